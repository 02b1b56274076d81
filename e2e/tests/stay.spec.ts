import { ANNA_DID, CALLER, CALLER_HZ, HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';

/** What the telephone sounds like that rejoins. */
const AGAIN_HZ = HOME_HZ + 160;

test('t15 the telephone stays on the line, calls join it, and a line that drops is called again', {
  tag: '@mobile',
}, async ({ portal, carrier }) => {
  const stay = portal.page.getByTestId('stay');
  const reaches = (state: string) => expect(stay).toHaveAttribute('data-state', state, { timeout: 15_000 });
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME, 'off');
  await reaches('off');
  await portal.page.getByTestId('stay-on-line').click();
  await reaches('up');
  await expect(portal.page.getByTestId('stay-on-line')).toBeChecked();
  await expect(portal.card, 'it is no call with anybody').toHaveCount(0);

  await portal.dial(ROME);
  await portal.isIn('connected');
  await Promise.all([carrier.hears(HOME, ROME_HZ), carrier.hears(ROME, HOME_HZ)]);
  await portal.hangUp();
  await portal.isOver();

  await carrier.places({ from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } });
  await portal.isIn('waiting');
  await portal.isIn('connected');
  await Promise.all([carrier.hears(HOME, CALLER_HZ), carrier.hears(CALLER, HOME_HZ)]);
  expect(await carrier.callsTo(HOME), 'the telephone rang once').toHaveLength(1);
  await portal.hangUp();
  await portal.isOver();
  await reaches('up');

  await portal.page.getByTestId('stay-on-line').click();
  await reaches('off');
  await carrier.isQuiet();

  // The next line is lost while somebody is on it.
  await carrier.answers(HOME, HOME_HZ, { hang_up_after_ms: 9000, lost_with: 41 });
  await portal.page.getByTestId('stay-on-line').click();
  await reaches('up');
  await portal.dial(ROME);
  await portal.isIn('connected');
  await carrier.answers(HOME, AGAIN_HZ, { after_ms: 2500 });
  await portal.isIn('rejoining', 15_000);
  await portal.isIn('connected', 15_000);
  await Promise.all([carrier.hears(HOME, ROME_HZ), carrier.hears(ROME, AGAIN_HZ)]);
  await reaches('up');
  await portal.hangUp();
  await portal.isOver();

  // Who hangs up is told that the line has ended.
  await carrier.hangUp(await carrier.lastCallTo(HOME));
  await reaches('down');
  await expect(portal.page.getByTestId('stay-on-line')).not.toBeChecked();
});
