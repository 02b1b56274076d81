import {
  VOICE_HZ,
  codecSent,
  listenAt,
  loseMicrophone,
  microphoneOf,
  onlySpeaks,
  pageHears,
  pageIsSilent,
  protocolOf,
  withMicrophone,
  withoutUdp,
} from '../support/browser-telephone.ts';
import { ANNA_DID, CALLER, CALLER_HZ, HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';

/** A telephone that Anna keeps; no other test calls it. */
const HOUSE = '+390212345688';
const HOUSE_HZ = 485;

test.use(withMicrophone);

test.beforeEach(({ page }) => listenAt(page));

test('t02 t04 a call dialled with this browser as the telephone is heard both ways', async ({ portal, carrier }) => {
  await carrier.answers(ROME, ROME_HZ);
  await portal.takesCallsHere();
  await portal.dial(ROME);
  await portal.isIn('connected', 20_000);
  await Promise.all([carrier.hears(ROME, VOICE_HZ), pageHears(portal.page, ROME_HZ)]);
  await portal.hangUp();
  await portal.isOver();
  await pageIsSilent(portal.page);
  await carrier.isQuiet();
});

for (const codec of ['PCMU', 'G722'] as const) {
  test(`t04 a browser that speaks ${codec} and no Opus is heard both ways, and its keys arrive`, async ({
    portal,
    carrier,
  }) => {
    const { page } = portal;
    await onlySpeaks(page, codec);
    await page.reload();
    await carrier.answers(ROME, ROME_HZ);
    await portal.takesCallsHere();
    await portal.dial(ROME);
    await portal.isIn('connected', 20_000);
    await Promise.all([carrier.hears(ROME, VOICE_HZ), pageHears(page, ROME_HZ)]);
    expect(await codecSent(page)).toBe(`audio/${codec}`);
    await page.getByTestId('dtmf-open').click();
    for (const key of ['7', 'hash']) await page.getByTestId(`dtmf-key-${key}`).click();
    const pressed = async () => (await carrier.lastCallTo(ROME)).media.dtmf.map(({ digit }) => digit).join('');
    await expect.poll(pressed).toBe('7#');
    await portal.hangUp();
    await portal.isOver();
    await carrier.isQuiet();
  });
}

test('t04 a browser whose network lets no UDP through calls by TCP, and is heard both ways', async ({ portal, carrier }) => {
  const { page } = portal;
  await withoutUdp(page);
  await page.reload();
  await carrier.answers(ROME, ROME_HZ);
  await portal.takesCallsHere();
  await portal.dial(ROME);
  await portal.isIn('connected', 20_000);
  await Promise.all([carrier.hears(ROME, VOICE_HZ), pageHears(page, ROME_HZ)]);
  expect(await protocolOf(page)).toBe('tcp');
  await portal.hangUp();
  await portal.isOver();
  await carrier.isQuiet();
});

test('t06 a call from outside rings in the tab, and is heard both ways once it is answered there', async ({
  portal,
  carrier,
}) => {
  await portal.takesCallsHere();
  await carrier.places({ from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } });
  await portal.isIn('ringing');
  const early = await carrier.reaches(CALLER, 'ringing');
  expect(early.answered_at, 'the caller hears ringing until the user answers').toBeNull();
  await portal.page.getByTestId('browser-answer').click();
  await portal.isIn('connected', 20_000);
  await Promise.all([carrier.hears(CALLER, VOICE_HZ), pageHears(portal.page, CALLER_HZ)]);
  await carrier.hangUp(await carrier.lastCallTo(CALLER));
  await portal.isOver();
  await pageIsSilent(portal.page);
});

/** Makes this tab the telephone that rings. */
test('a microphone is tried before a call, and one that is lost in a call is found again', async ({ portal, carrier }) => {
  const { page } = portal;
  await portal.goTo('settings');
  await expect(page.getByTestId('sound-microphone').locator('option')).not.toHaveCount(1);
  await page.getByTestId('sound-try').click();
  await expect(page.getByTestId('sound-stage')).toContainText('Speak now');
  await expect
    .poll(() => page.getByTestId('sound-level').evaluate((meter: HTMLMeterElement) => meter.value))
    .toBeGreaterThan(0.05);
  await expect(page.getByTestId('sound-stage')).toContainText('This is you');
  await portal.picture('desktop-sound');
  await expect(page.getByTestId('sound-try')).toBeEnabled();

  await portal.goTo('phone');
  await carrier.answers(ROME, ROME_HZ);
  await portal.takesCallsHere();
  await portal.dial(ROME);
  await portal.isIn('connected', 20_000);
  await carrier.hears(ROME, VOICE_HZ);
  const before = await microphoneOf(page);
  await loseMicrophone(page);
  await expect.poll(() => microphoneOf(page)).not.toBe(before);
  await carrier.hears(ROME, VOICE_HZ);
  await portal.hangUp();
  await portal.isOver();
});

test('t08 a call moves from the telephone to this browser and back, and the other party hears no gap', {
  tag: '@quiet',
}, async ({ portal, carrier, stack }) => {
  const { page } = portal;
  await carrier.answers(HOUSE, HOUSE_HZ);
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await stack.gateway('user', 'destination', 'add', 'anna', '--label', 'House', '--number', HOUSE);
  await expect(portal.mode).toHaveAttribute('data-mode', /office|telecommuting/);
  if ((await portal.mode.getAttribute('data-mode')) === 'telecommuting') {
    await page.getByTestId('destination-change').click();
  }
  const saved = page.getByTestId('saved-destination').filter({ hasText: 'House' });
  await saved.getByRole('radio').check();
  await page.getByTestId('destination-enter').click();
  await expect(page.getByTestId('current-destination')).toContainText('House');
  await portal.dial(ROME);
  await portal.isIn('connected', 20_000);
  await carrier.hears(ROME, HOUSE_HZ);

  await page.getByTestId('call-move').click();
  await page.getByTestId('move-here').click();
  await Promise.all([carrier.hears(ROME, VOICE_HZ), pageHears(page, ROME_HZ)]);
  await carrier.reaches(HOUSE, 'ended');
  await expect(page.getByTestId('call-moving')).toBeEmpty();

  await page.getByTestId('call-move').focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('move-saved').filter({ hasText: 'House' }).click();
  await Promise.all([carrier.hears(ROME, HOUSE_HZ), carrier.hears(HOUSE, ROME_HZ)]);
  await pageIsSilent(page);

  await page.getByTestId('call-move').click();
  await page.getByTestId('move-number').fill(HOME);
  await page.getByTestId('move-typed').click();
  await Promise.all([carrier.hears(ROME, HOME_HZ), carrier.hears(HOME, ROME_HZ)]);
  await carrier.reaches(HOUSE, 'ended');
  const { media } = await carrier.lastCallTo(ROME);
  const missed = media.longest_packet_gap_ms - Math.max(20, media.longest_voice_gap_ms);
  expect(missed, 'milliseconds without sound, beyond those of the telephone itself').toBeLessThan(40);
  await portal.hangUp();
  await portal.isOver();
  await portal.leaves();
  await saved.getByTestId('destination-delete').click();
  await expect(saved).toHaveCount(0);
});
