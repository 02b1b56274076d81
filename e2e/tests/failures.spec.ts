import { TRUNKS } from '../support/carrier.ts';
import { HOME, HOME_HZ, LONDON, LONDON_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';

const FAR = [
  { what: 'is busy', kind: 'busy', reason: 'busy', words: 'The number called is busy.', outcome: 'unanswered' },
  { what: 'declines', kind: 'decline', reason: 'declined', words: 'The other party declined the call.', outcome: 'unanswered' },
  { what: 'does not exist', kind: 'no_such_number', reason: 'no_such_number', words: 'This number does not exist.', outcome: 'failed' },
  {
    what: 'cannot be reached',
    kind: 'unavailable',
    reason: 'unavailable',
    words: 'The telephone called cannot be reached now.',
    outcome: 'unanswered',
  },
] as const;

test.beforeEach(async ({ carrier, portal, stack }) => {
  await stack.trunksAreUp(TRUNKS);
  await carrier.answers(HOME, HOME_HZ);
  await portal.telecommuteAt(HOME);
});

for (const { what, kind, reason, words, outcome } of FAR) {
  test(`t05 t18 the other party ${what}: the true cause, and the own telephone stays on the line`, async ({
    portal,
    carrier,
  }) => {
    await carrier.set(ROME, { kind });
    await portal.dial(ROME);
    await portal.isIn('far_failed');
    await expect(portal.cause).toHaveAttribute('data-reason', reason);
    await expect(portal.cause).toHaveText(words);
    expect((await carrier.lastCallTo(HOME)).state).toBe('confirmed');
    expect(await carrier.callsTo(ROME), 'no other trunk is asked for what is true').toHaveLength(1);
    if (kind === 'busy') await portal.picture(`${test.info().project.name}-far-busy`);
    await portal.hangUp();
    await portal.isOver();
    await portal.logSays(outcome, reason);
  });
}

test('t05 after a failure another number is dialled on the same line within ten seconds', { tag: '@mobile' }, async ({
  portal,
  carrier,
}) => {
  await carrier.set(ROME, { kind: 'busy' });
  await carrier.answers(LONDON, LONDON_HZ);
  await portal.dial(ROME);
  await portal.isIn('far_failed');
  await portal.dial(LONDON);
  await portal.isIn('connected');
  await carrier.hears(LONDON, HOME_HZ);
  await carrier.hears(HOME, LONDON_HZ);
  expect(await carrier.callsTo(HOME), 'the own telephone was called once').toHaveLength(1);
});

test('t05 nobody dials again: the telephone is released after ten seconds, never in silence', async ({
  portal,
  carrier,
}) => {
  await carrier.set(ROME, { kind: 'busy' });
  await portal.dial(ROME);
  await portal.isIn('far_failed');
  // The busy tone of Italy.
  await carrier.hears(HOME, 425);
  await expect(portal.card).toHaveCount(0, { timeout: 20_000 });
  await carrier.isQuiet();
  await portal.logSays('unanswered', 'busy');
});

test('a trunk that fails is passed over: the second one carries the call', async ({ portal, carrier }) => {
  await carrier.answers(ROME, ROME_HZ);
  await carrier.trunk('main', '503');
  await portal.dial(ROME);
  await portal.isIn('connected');
  expect((await carrier.lastCallTo(ROME)).trunk).toBe('second');
});

test('both trunks fail on the way to the other party: said so, and logged', async ({ portal, carrier }) => {
  await carrier.set(ROME, { kind: 'service_unavailable' });
  await portal.dial(ROME);
  await portal.isIn('far_failed');
  await expect(portal.cause).toHaveText('No line to the telephone network took the call.');
  const trunks = (await carrier.callsTo(ROME)).map((call) => call.trunk);
  expect(trunks, 'each trunk was asked').toEqual(['main', 'second']);
  await portal.hangUp();
  await portal.isOver();
  await portal.logSays('failed', 'trunk_failure');
});

test('both trunks fail on the way to the own telephone: nobody is called', async ({ portal, carrier }) => {
  for (const trunk of TRUNKS) await carrier.trunk(trunk, '503');
  await portal.dial(ROME);
  await portal.isOver();
  await expect(portal.cause).toHaveAttribute('data-reason', 'trunk_failure');
  expect((await carrier.calls()).filter((call) => call.answered_at !== null)).toHaveLength(0);
});

test('t18 the own telephone is busy: the portal speaks of the own telephone', async ({ portal, carrier }) => {
  await carrier.set(HOME, { kind: 'busy' });
  await portal.dial(ROME);
  await portal.isOver();
  await expect(portal.cause).toContainText('Your telephone was busy.');
  await portal.logSays('unanswered', 'busy');
  expect(await carrier.callsTo(ROME)).toHaveLength(0);
});

test('t17 an emergency number is never sent, and the portal says where to dial it', { tag: '@mobile' }, async ({
  portal,
  carrier,
}) => {
  const frames: string[] = [];
  portal.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => frames.push(String(payload))));
  await portal.page.reload();
  await portal.isConnected();
  await portal.dialInput.fill('112');
  await expect(portal.dialError).toContainText('emergency number');
  await expect(portal.dialError).toContainText('telephone in your hand');
  await expect(portal.dialSubmit).toBeDisabled();
  await portal.dialInput.press('Enter');
  await expect(portal.page.getByTestId('dial-emergency')).toHaveAttribute('href', 'tel:112');
  await portal.picture(`${test.info().project.name}-emergency`);
  // What was typed has long been read when a number that may be dialled brings up a call.
  await carrier.answers(ROME, ROME_HZ);
  await portal.dial(ROME);
  await portal.isIn('connected');
  expect(frames.filter((frame) => frame.includes('"112"'))).toEqual([]);
  expect((await carrier.calls()).map((call) => call.number)).toEqual([HOME, ROME]);
});

test('t02 t04 what may not be dialled is refused at the field, in words', async ({ portal, carrier }) => {
  await portal.dial('+33 1 99 00 00 01');
  await expect(portal.dialError).toHaveText(/not allowed for you/);
  await portal.dial('+39 02 1234 5299');
  await expect(portal.dialError).toHaveText(/belongs to your own company/);
  await portal.dialInput.fill('+39 banana');
  await expect(portal.dialError).toHaveText(/does not belong in a telephone number/);
  await expect(portal.dialSubmit).toBeDisabled();
  expect(await carrier.calls()).toHaveLength(0);
});
