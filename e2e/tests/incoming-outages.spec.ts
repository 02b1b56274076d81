import { ANNA_DID, CALLER, CALLER_HZ, HOME, HOME_HZ, MOBILE, MOBILE_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';
import type { Order } from '../support/carrier.ts';

const caller: Order = { from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } };
/** Rule T13: the true state is back this soon after the link. */
const TRUE_STATE_MS = 3_000;

test.describe('t13 the edge dies in an incoming call', () => {
  test.afterEach(async ({ stack }) => stack.start('edge'));

  test('while it rings: it is answered, and both hear each other', async ({ portal, carrier, stack }) => {
    await carrier.answers(HOME, HOME_HZ, { after_ms: 6000 });
    await portal.telecommuteAt(HOME);
    await carrier.places(caller);
    await portal.isIn('ringing');
    await stack.kill('edge');
    await expect(portal.badge).not.toHaveAttribute('data-state', 'connected');
    await Promise.all([carrier.hears(HOME, CALLER_HZ), carrier.hears(CALLER, HOME_HZ)]);
    await stack.start('edge');
    await portal.isConnected(30_000);
    await portal.isIn('connected', TRUE_STATE_MS);
  });

  test('while it waits for a person: the key 1 takes it', async ({ portal, carrier, stack }) => {
    await carrier.answers(MOBILE, MOBILE_HZ, { press: [{ digits: '1', at_ms: 5000 }] });
    await portal.telecommuteAt(MOBILE);
    await carrier.places(caller);
    await portal.isIn('confirming');
    await stack.kill('edge');
    await Promise.all([carrier.hears(MOBILE, CALLER_HZ), carrier.hears(CALLER, MOBILE_HZ)]);
    await stack.start('edge');
    await portal.isConnected(30_000);
    await portal.isIn('connected', TRUE_STATE_MS);
  });

  test('while it is up: the sound goes on, and the caller ends it; the log has it', async ({
    portal,
    carrier,
    stack,
  }) => {
    await carrier.answers(HOME, HOME_HZ);
    await portal.telecommuteAt(HOME);
    await carrier.places(caller);
    await portal.isIn('connected');
    const rows = await portal.logRows.count();
    await stack.kill('edge');
    await Promise.all([carrier.hears(HOME, CALLER_HZ, 3_000), carrier.hears(CALLER, HOME_HZ, 3_000)]);
    await carrier.hangUp(await carrier.lastCallTo(CALLER));
    await carrier.isQuiet();
    await stack.start('edge');
    await portal.isConnected(30_000);
    await expect(portal.card).toHaveCount(0, { timeout: TRUE_STATE_MS });
    await expect(portal.logRows).toHaveCount(rows + 1);
    await portal.logSays('answered', 'normal_clearing');
  });

  test('and a call that comes meanwhile is redirected all the same', async ({ portal, carrier, stack }) => {
    await carrier.answers(HOME, HOME_HZ);
    await portal.telecommuteAt(HOME);
    await stack.kill('edge');
    await carrier.places(caller);
    await Promise.all([carrier.hears(HOME, CALLER_HZ), carrier.hears(CALLER, HOME_HZ)]);
    await stack.start('edge');
    await portal.isConnected(30_000);
    await portal.isIn('connected', TRUE_STATE_MS);
  });
});
