import { ANNA_DID, CALLER, CALLER_HZ, HOME, HOME_HZ } from '../support/numbers.ts';
import { digits, type Portal, seconds } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';
import type { Order } from '../support/carrier.ts';
import type { Page } from '@playwright/test';

/** A caller that leaves a message of three seconds where it hears a beep. */
const message: Order = {
  from: CALLER,
  to: ANNA_DID,
  telephone: { tone_hz: CALLER_HZ },
  leave_message: { speak_ms: 3000 },
};

test('t09 t18 a rejected caller leaves a message: it appears with its length, plays to its end, is deleted and comes back', {
  tag: '@mobile',
}, async ({ portal, carrier }) => {
  test.slow();
  const { page } = portal;
  await carrier.set(HOME, { kind: 'ring_out' });
  await portal.telecommuteAt(HOME);
  // Those in the bin are listed apart.
  const rows = page.locator('[data-testid="message"]:not([data-testid="bin"] *)');
  const before = await countMessages(portal);
  await carrier.places(message);
  await portal.isIn('ringing');
  await page.getByTestId('call-reject').click();
  expect((await carrier.reaches(HOME, 'ended')).ended_by, 'the telephone stops').toBe('cancel');
  await portal.isIn('voicemail');
  const left = await carrier.reaches(CALLER, 'ended', 30_000);
  expect(left.media.beep_ms, 'the caller heard the beep').not.toBeNull();
  await portal.isOver();
  await expect(portal.logRows.first()).toHaveAttribute('data-reason', /voicemail|rejected/);

  await portal.goTo('voicemail');
  await expect(rows).toHaveCount(before + 1);
  const row = rows.first();
  await expect(row).toHaveAttribute('data-heard', 'false');
  expect(digits(await row.innerText())).toContain(digits(CALLER));
  const length = seconds((await row.getByTestId('message-place').innerText()).split('/').at(-1)?.trim() ?? '');
  expect(length, 'about as long as the caller spoke').toBeGreaterThanOrEqual(2);
  expect(length).toBeLessThanOrEqual(6);
  await portal.picture(`${test.info().project.name}-messages`);

  const ranged = rangedAudio(page);
  await row.getByTestId('message-play').click();
  await expect.poll(() => page.evaluate(audioEnded), { message: 'it plays to its end', timeout: 20_000 }).toBe(true);
  expect(await ranged, 'its bytes come over a range').toBe(206);
  await expect(row).toHaveAttribute('data-heard', 'true');

  await row.getByTestId('message-delete').click();
  await expect(rows).toHaveCount(before);
  await page.getByTestId('toast-undo').click();
  await expect(rows).toHaveCount(before + 1);
});

test('t09 nobody answers: after the time that the user chose, voicemail takes the call', async ({ portal, carrier }) => {
  test.slow();
  await carrier.set(HOME, { kind: 'ring_out' });
  await portal.telecommuteAt(HOME);
  await ringsFor(portal, 5);
  await carrier.places({ ...message, leave_message: { speak_ms: 1000 } });
  await portal.isIn('ringing');
  await portal.isIn('voicemail', 15_000);
  const rang = await carrier.lastCallTo(HOME);
  const time_ms = (rang.ended_at?.ms ?? 0) - (rang.ringing_at?.ms ?? 0);
  expect(time_ms).toBeGreaterThan(4_000);
  expect(time_ms).toBeLessThan(9_000);
  await carrier.reaches(CALLER, 'ended', 30_000);
  await portal.isOver();
  await ringsFor(portal, 20);
});

test('t09 t10 without voicemail, a caller hears busy when the user is nowhere', async ({ portal, carrier, stack }) => {
  await carrier.answers(HOME, HOME_HZ);
  await stack.gateway('user', 'set', 'anna', '--voicemail', 'off');
  // The gateway looks for changes of the command line once a second.
  await portal.page.waitForTimeout(2_000);
  await portal.telecommuteAt(HOME);
  await portal.leaves();
  await carrier.places({ from: CALLER, to: ANNA_DID });
  const refused = await carrier.reaches(CALLER, 'ended');
  expect(refused.status).toBe(486);
  expect(await carrier.callsTo(HOME), 'the telephone that was left does not ring').toHaveLength(0);
  await stack.gateway('user', 'set', 'anna', '--voicemail', 'on');
});

test('t10 after leaving, a caller is given to voicemail', async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.leaves();
  await carrier.places({ ...message, leave_message: { speak_ms: 1200 } });
  const left = await carrier.reaches(CALLER, 'ended', 30_000);
  expect(left.status).toBe(200);
  expect(left.media.beep_ms).not.toBeNull();
  expect(await carrier.callsTo(HOME)).toHaveLength(0);
});

/** Sets how long the telephone may ring, in seconds. */
async function ringsFor(portal: Portal, seconds: number): Promise<void> {
  await portal.goTo('settings');
  await portal.page.getByTestId('setting-no-answer').fill(String(seconds));
  await expect(portal.page.getByTestId('no-answer-words')).toContainText(String(seconds));
  await portal.goTo('phone');
}

/** How many messages there are, by their page. */
async function countMessages(portal: Portal): Promise<number> {
  const { page } = portal;
  await portal.goTo('voicemail');
  await expect(page.getByTestId('quota')).toBeVisible();
  const count = await page.getByTestId('message').count();
  await portal.goTo('phone');
  return count;
}

/** The status of the first answer to a request for part of a recording. */
async function rangedAudio(page: Page): Promise<number> {
  const response = await page.waitForResponse((response) => 'range' in response.request().headers());
  return response.status();
}

/** Runs in the page. */
function audioEnded(): boolean {
  const audio = document.querySelector('audio');
  return audio !== null && audio.ended && audio.duration > 1;
}
