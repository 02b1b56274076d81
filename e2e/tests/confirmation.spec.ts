import { MOBILE, MOBILE_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';

test('t14 a mobile is asked: Accept in the portal lets the call go on', { tag: '@mobile' }, async ({
  portal,
  carrier,
}, { project }) => {
  await carrier.answers(MOBILE, MOBILE_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(MOBILE);
  await expect(portal.mode).toContainText('Asks for the key 1');
  await portal.dial(ROME);
  await portal.isIn('confirming');
  await expect(portal.card).toContainText('Someone answered your telephone. Is it you?');
  await portal.picture(`${project.name}-confirming`);
  expect(await carrier.callsTo(ROME), 'nobody else is called before').toHaveLength(0);
  await portal.page.getByTestId('call-accept').click();
  await portal.isIn('connected');
  await carrier.hears(ROME, MOBILE_HZ);
  await carrier.hears(MOBILE, ROME_HZ);
});

test('t14 the key 1 on the telephone does the same', async ({ portal, carrier }) => {
  await carrier.answers(MOBILE, MOBILE_HZ, { press: [{ digits: '1', at_ms: 1000 }] });
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(MOBILE);
  await portal.dial(ROME);
  await portal.isIn('connected');
  await carrier.hears(ROME, MOBILE_HZ);
});

test('t14 a voicemail on the own telephone never gets the call, and the portal says why', async ({ portal, carrier }) => {
  await carrier.set(MOBILE, { kind: 'voicemail', after_ms: 400, greeting_ms: 2000, record_ms: 60_000 });
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(MOBILE);
  await portal.dial(ROME);
  await portal.isIn('confirming');
  await expect(portal.card).toHaveCount(0, { timeout: 30_000 });
  await expect(portal.cause).toContainText('nobody confirmed to be there: most likely its voicemail');
  await portal.logSays('unanswered', 'not_confirmed');
  expect(await carrier.callsTo(ROME)).toHaveLength(0);
  await carrier.isQuiet();
});

test('t14 confirmation is the choice of the user: never for this mobile', async ({ portal, carrier }) => {
  await carrier.answers(MOBILE, MOBILE_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(MOBILE, 'off');
  await portal.dial(ROME);
  await portal.isIn('connected');
});
