import { DeskTelephone } from '../support/baresip.ts';
import { ANNA_DID, CALLER, CALLER_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';
import type { Order } from '../support/carrier.ts';

const LOBBY = { username: 'lobby', password: 'ring-in-the-lobby' };
const LOBBY_HZ = 915;
const caller: Order = { from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } };

test('t11 a user logs on to a shared telephone in the portal, is called there, and logs off by key', async ({
  portal,
  carrier,
  stack,
}) => {
  test.slow();
  await stack.gatewayWith(
    LOBBY.password,
    ...['device', 'add', LOBBY.username, '--name', 'Lobby', '--hot-desk', 'on', '--password-stdin'],
  );
  const { page } = portal;
  const lobby = await DeskTelephone.register(LOBBY, stack.ready.sip, LOBBY_HZ);
  const station = page.getByTestId('station').filter({ hasText: 'Lobby' });
  try {
    await portal.goTo('settings');
    await station.getByTestId('station-ask').click();
    await expect(station.getByTestId('station-consequences')).toBeVisible();
    await portal.picture(`${test.info().project.name}-hot-desk`);
    await station.getByTestId('station-confirm').click();
    await expect(station).toHaveAttribute('data-logged-on', 'true');

    await carrier.places(caller);
    await lobby.rings();
    await lobby.accept();
    await carrier.hears(CALLER, LOBBY_HZ);
    await carrier.hangUp(await carrier.lastCallTo(CALLER));
    await lobby.isOver();

    await lobby.dial('*12');
    await expect(station).toHaveAttribute('data-logged-on', 'false');
    await portal.goTo('phone');
    await carrier.places(caller);
    await portal.isIn('voicemail');
    expect(lobby.rang(), 'it rings for her no more').toBe(1);
    await carrier.hangUp(await carrier.lastCallTo(CALLER));
    await portal.isOver();
  } finally {
    await lobby.close();
    await stack.gateway('device', 'remove', LOBBY.username);
  }
});
