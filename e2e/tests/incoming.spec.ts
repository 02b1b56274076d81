import { ANNA_DID, CALLER, CALLER_HZ, HOME, HOME_HZ, MOBILE, MOBILE_HZ } from '../support/numbers.ts';
import { digits } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';
import type { Carrier, Order } from '../support/carrier.ts';

/** Rule T7: a call is shown this soon. */
const SHOWN_MS = 300;

const caller: Order = { from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } };

test('t06 t07 a call from outside rings the telephone that was chosen, and is shown within 300 ms', {
  tag: '@mobile',
}, async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ, { after_ms: 3000 });
  await portal.telecommuteAt(HOME);
  await portal.page.evaluate(watchForCard);
  await carrier.places(caller);
  await portal.isIn('ringing');
  await expect(portal.card.getByTestId('call-party')).toContainText(/.+/);
  expect(digits(await portal.card.innerText())).toContain(digits(CALLER));
  await portal.picture(`${test.info().project.name}-incoming`);
  const early = await carrier.reaches(CALLER, 'ringing');
  expect(early.answered_at, 'the caller hears ringing until somebody answers').toBeNull();

  await portal.isIn('connected');
  const [shown, drift] = await Promise.all([portal.page.evaluate(cardShownAt), clockDrift(carrier)]);
  const rang = await carrier.lastCallTo(HOME);
  expect(shown - drift - rang.invite_at.ms, 'from the INVITE to the card').toBeLessThanOrEqual(SHOWN_MS);
  const answered = await carrier.lastCallTo(CALLER);
  expect(answered.answered_at?.order, 'the caller is answered after the user').toBeGreaterThan(
    rang.answered_at?.order ?? Infinity,
  );
  await Promise.all([carrier.hears(HOME, CALLER_HZ), carrier.hears(CALLER, HOME_HZ)]);
  await portal.hangUp();
  await portal.isOver();
  await carrier.isQuiet();
  await portal.logSays('answered', 'normal_clearing');
});

test('t06 the portal is closed: the telephone rings all the same', async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.page.close();
  await carrier.places(caller);
  await Promise.all([carrier.hears(HOME, CALLER_HZ), carrier.hears(CALLER, HOME_HZ)]);
});

test('t06 a caller that withholds its number is shown as one, and rings', async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ, { after_ms: 2000 });
  await portal.telecommuteAt(HOME);
  await carrier.places({ ...caller, caller_id: 'withheld' });
  await portal.isIn('ringing');
  const shown = digits(await portal.card.innerText());
  expect(shown).not.toContain(digits(CALLER));
  await expect(portal.card.getByTestId('call-party')).toContainText(/withheld|anonymous|unknown|private/i);
});

test('t14 Accept in the portal takes an incoming call; until then the caller hears ringing', {
  tag: '@mobile',
}, async ({ portal, carrier }) => {
  await carrier.answers(MOBILE, MOBILE_HZ);
  await portal.telecommuteAt(MOBILE);
  await carrier.places(caller);
  await portal.isIn('confirming');
  await carrier.reaches(MOBILE, 'confirmed');
  const waiting = await carrier.lastCallTo(CALLER);
  expect(waiting.state).toBe('ringing');
  await portal.page.getByTestId('call-accept').click();
  await portal.isIn('connected');
  await Promise.all([carrier.hears(MOBILE, CALLER_HZ), carrier.hears(CALLER, MOBILE_HZ)]);
});

test('t14 the key 1 takes an incoming call', async ({ portal, carrier }) => {
  await carrier.answers(MOBILE, MOBILE_HZ, { press: [{ digits: '1', at_ms: 1500 }] });
  await portal.telecommuteAt(MOBILE);
  await carrier.places(caller);
  await portal.isIn('connected');
  await Promise.all([carrier.hears(MOBILE, CALLER_HZ), carrier.hears(CALLER, MOBILE_HZ)]);
});

test('t06 a caller that gives up is gone from telephone and portal, and stands in the log', async ({
  portal,
  carrier,
}) => {
  await carrier.set(HOME, { kind: 'ring_out' });
  await portal.telecommuteAt(HOME);
  await carrier.places({ ...caller, give_up_after_ms: 2500 });
  await portal.isIn('ringing');
  await portal.isOver();
  const rang = await carrier.reaches(HOME, 'ended');
  expect(rang.ended_by).toBe('cancel');
  expect((await carrier.reaches(CALLER, 'ended')).status).toBe(487);
  await expect(portal.logRows.first()).toHaveAttribute('data-reason', 'cancelled');
});

test('t08 a second caller waits; it is taken and the first is held, then the first is taken back', async ({
  portal,
  carrier,
}) => {
  const SECOND = '+393337654322';
  const SECOND_HZ = 1085;
  await carrier.answers(HOME, HOME_HZ);
  await portal.telecommuteAt(HOME);
  await carrier.places(caller);
  await portal.isIn('connected');
  await carrier.places({ from: SECOND, to: ANNA_DID, telephone: { tone_hz: SECOND_HZ } });
  const second = portal.cardOf(SECOND);
  await expect(second).toHaveAttribute('data-phase', 'waiting');
  await portal.picture(`${test.info().project.name}-waiting`);
  expect((await carrier.lastCallTo(SECOND)).state, 'it hears ringing').toBe('ringing');
  await second.getByTestId('call-accept').click();
  await expect(second).toHaveAttribute('data-phase', 'connected');
  await expect(portal.cardOf(CALLER)).toHaveAttribute('data-phase', 'held');
  await Promise.all([carrier.hears(HOME, SECOND_HZ), carrier.hears(SECOND, HOME_HZ)]);
  expect(await carrier.callsTo(HOME), 'all on one leg').toHaveLength(1);
  await carrier.hangUp(await carrier.lastCallTo(SECOND));
  await expect(second).toHaveCount(0);
  const first = portal.cardOf(CALLER);
  await expect(first).toHaveAttribute('data-phase', /held|connected/);
  if ((await first.getAttribute('data-phase')) === 'held') await first.getByTestId('call-return').click();
  await Promise.all([carrier.hears(HOME, CALLER_HZ), carrier.hears(CALLER, HOME_HZ)]);
});

/** The difference between this machine's clock and the carrier's, in milliseconds. */
async function clockDrift(carrier: Carrier): Promise<number> {
  const now = await carrier.now();
  return Date.now() - now;
}

/** Runs in the page: notes when a card is there. */
function watchForCard(): void {
  const noted = window as unknown as { cardShownAt?: number };
  new MutationObserver((_, observer) => {
    if (!document.querySelector('[data-testid="call-card"]')) return;
    noted.cardShownAt = Date.now();
    observer.disconnect();
  }).observe(document.body, { childList: true, subtree: true });
}

/** Runs in the page. */
function cardShownAt(): number {
  return (window as unknown as { cardShownAt?: number }).cardShownAt ?? Number.NaN;
}
