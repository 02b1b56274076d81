import { DeskTelephone } from '../support/baresip.ts';
import { ANNA_DID, CALLER, CALLER_HZ, HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';
import type { Order } from '../support/carrier.ts';

const DESK_HZ = 955;
const caller: Order = { from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } };

test('t03 t10 the desk telephone is silent while its user is elsewhere, and rings again after leaving', async ({
  portal,
  carrier,
  stack,
}) => {
  test.slow();
  const desk = await DeskTelephone.register(stack.person('anna').desk, stack.ready.sip, DESK_HZ);
  try {
    // Wherever a test before left her: leaving gives her this telephone.
    await portal.telecommuteAt(HOME);
    await portal.leaves();
    await carrier.answers(HOME, HOME_HZ);
    await carrier.answers(ROME, ROME_HZ);
    await carrier.places(caller);
    await desk.rings();
    await desk.accept();
    await carrier.hears(CALLER, DESK_HZ);
    await carrier.hangUp(await carrier.lastCallTo(CALLER));
    await desk.isOver();

    await portal.telecommuteAt(HOME);
    await carrier.places(caller);
    await Promise.all([carrier.hears(HOME, CALLER_HZ), carrier.hears(CALLER, HOME_HZ)]);
    expect(desk.rang(), 'it does not ring').toBe(1);
    await carrier.hangUp(await carrier.lastCallTo(CALLER));
    await carrier.isQuiet();
    await desk.dial(ROME);
    expect(await desk.isOver(2)).toContain('403');

    await portal.leaves();
    await carrier.places(caller);
    await desk.rings(2);
    await desk.accept();
    await carrier.hears(CALLER, DESK_HZ);
  } finally {
    await desk.close();
  }
});
