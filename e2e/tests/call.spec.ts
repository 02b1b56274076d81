import { HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { digits, Portal, seconds } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

test('a wrong password is refused in plain words, the right one opens the portal', { tag: '@mobile' }, async ({
  page,
  stack,
}, { project }) => {
  const portal = new Portal(page);
  await page.goto('/');
  await portal.picture(`${project.name}-sign-in`);
  const anna = stack.person('anna');
  await portal.signIn({ ...anna, password: 'not her password' });
  await expect(page.getByTestId('sign-in-error')).toHaveText('User name or password is wrong.');
  await expect(page.getByTestId('sign-in-password')).toBeFocused();
  await expect(page.getByTestId('sign-in-password')).toHaveValue('');
  await expect(page.getByTestId('sign-in-submit')).toBeEnabled({ timeout: 20_000 });
  await portal.signIn(anna);
  await portal.isConnected();
  await expect(portal.mode).toBeVisible();
});

test('t04 t05 t07 t16 t18 a whole call: both telephones in order, sound both ways, the log', { tag: '@mobile' }, async ({
  portal,
  carrier,
}, { project }) => {
  await carrier.answers(HOME, HOME_HZ, { after_ms: 1500 });
  await carrier.answers(ROME, ROME_HZ, { after_ms: 1500 });
  await portal.picture(`${project.name}-home`);
  await portal.telecommuteAt('02 1234-5601');
  await portal.picture(`${project.name}-telecommuting`);

  await portal.dial('+39 (06) 9876.5401');
  await portal.isIn('calling_user');
  await expect(portal.userLeg).toHaveAttribute('data-state', 'early');
  await expect(portal.farLeg).toHaveAttribute('data-state', 'none');
  await portal.picture(`${project.name}-calling-user`);
  await portal.isIn('calling_far');
  await expect(portal.userLeg).toHaveAttribute('data-state', 'confirmed');
  await expect(portal.farLeg).toHaveAttribute('data-state', 'early');
  await portal.picture(`${project.name}-calling-far`);
  await portal.isIn('connected');
  await expect(portal.farLeg).toHaveAttribute('data-state', 'confirmed');
  expect(digits(await portal.page.getByTestId('call-party').innerText())).toBe(digits(ROME));

  const [user, far] = [await carrier.lastCallTo(HOME), await carrier.lastCallTo(ROME)];
  expect(await carrier.calls()).toHaveLength(2);
  expect(user.acked_at, 'the user leg is acknowledged').not.toBeNull();
  expect(far.invite_at.order, 'the far INVITE leaves after the ACK of the user leg').toBeGreaterThan(
    user.acked_at?.order ?? Infinity,
  );
  expect(far.from, 'the far end sees the number of the company').toBe('+390212345201');

  await carrier.hears(ROME, HOME_HZ);
  await carrier.hears(HOME, ROME_HZ);
  await expect.poll(async () => seconds(await portal.duration.innerText())).toBeGreaterThanOrEqual(2);
  await portal.dismissToasts();
  await portal.picture(`${project.name}-in-call`);

  await portal.hangUp();
  await portal.isOver();
  expect((await carrier.reaches(HOME, 'ended')).ended_by).toBe('peer');
  expect((await carrier.reaches(ROME, 'ended')).ended_by).toBe('peer');
  await expect(portal.cause).toHaveAttribute('data-reason', 'normal_clearing');
  await expect(portal.cause).toContainText('You hung up.');
  await portal.logSays('answered', 'normal_clearing');
  const row = portal.logRows.first();
  expect(digits(await row.innerText())).toContain(digits(ROME));
  await row.getByRole('button', { expanded: false }).click();
  await expect(row.getByTestId('log-cause')).toHaveText('You hung up.');
  await expect(row.getByTestId('log-leg')).toHaveCount(2);
  await portal.picture(`${project.name}-log`);
});

test('telephones without a codec in common hear each other', async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ, { codecs: ['PCMA'] });
  await carrier.answers(ROME, ROME_HZ, { codecs: ['PCMU'] });
  await portal.telecommuteAt(HOME);
  await portal.dial(ROME);
  await portal.isIn('connected');
  await carrier.hears(ROME, HOME_HZ);
  await carrier.hears(HOME, ROME_HZ);
  expect((await carrier.lastCallTo(HOME)).media.codec).toBe('PCMA');
  expect((await carrier.lastCallTo(ROME)).media.codec).toBe('PCMU');
});

test('t18 the other party hangs up: both telephones are released and the log says who', async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.dial(ROME);
  await portal.isIn('connected');
  await carrier.hangUp(await carrier.lastCallTo(ROME));
  await portal.isOver();
  await expect(portal.cause).toContainText('The other party hung up.');
  await portal.logSays('answered', 'normal_clearing');
  await carrier.isQuiet();
});

test('t04 hanging up while the own telephone rings calls nobody else', async ({ portal, carrier }) => {
  await carrier.set(HOME, { kind: 'ring_out' });
  await portal.telecommuteAt(HOME);
  await portal.dial(ROME);
  await expect(portal.userLeg).toHaveAttribute('data-state', 'early');
  await portal.hangUp();
  await portal.isOver();
  expect((await carrier.reaches(HOME, 'ended')).ended_by).toBe('cancel');
  expect(await carrier.callsTo(ROME)).toHaveLength(0);
  await portal.logSays('unanswered', 'cancelled');
});

test('t18 a call of the log is dialled again with one click', async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.dial(ROME);
  await portal.isIn('connected');
  await portal.hangUp();
  await portal.isOver();
  await portal.logRows.first().getByTestId('log-call-again').click();
  await portal.isIn('connected');
  expect(await carrier.callsTo(ROME)).toHaveLength(2);
});

test('digits of the keypad reach the other telephone, and its digits do no harm', { tag: '@mobile' }, async ({
  portal,
  carrier,
}) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.dial(ROME);
  await portal.isIn('connected');
  await portal.page.getByTestId('dtmf-open').click();
  for (const key of ['5', '0', 'star', 'hash']) await portal.page.getByTestId(`dtmf-key-${key}`).click();
  await expect.poll(async () => pressed(await carrier.lastCallTo(ROME))).toBe('50*#');
  await portal.picture(`${test.info().project.name}-keypad`);

  await carrier.press(await carrier.lastCallTo(HOME), '7*');
  await expect.poll(async () => pressed(await carrier.lastCallTo(ROME))).toBe('50*#7*');
  await carrier.press(await carrier.lastCallTo(ROME), '9#');
  await expect.poll(async () => pressed(await carrier.lastCallTo(HOME))).toBe('9#');
  await portal.isIn('connected');
});

function pressed(call: { media: { dtmf: { digit: string }[] } }): string {
  return call.media.dtmf.map((heard) => heard.digit).join('');
}
