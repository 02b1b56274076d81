import { HOME, HOME_HZ, MOBILE, ROME, ROME_HZ } from '../support/numbers.ts';
import { digits, Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

const GARDEN = '+390698765421';

test('t01 a user without permission is offered no telecommuting, and cannot dial', async ({ page, stack, carrier }) => {
  await stack.gateway('user', 'set', 'marco', '--telecommuter', 'off');
  const portal = new Portal(page);
  await page.goto('/');
  await portal.signIn(stack.person('marco'));
  await portal.isConnected();
  await expect(portal.mode).toHaveAttribute('data-mode', 'office');
  await expect(page.getByTestId('destination-enter')).toHaveCount(0);
  await expect(page.getByTestId('destination-number')).toHaveCount(0);
  await portal.dialInput.fill(ROME);
  await expect(portal.dialSubmit).toBeDisabled();
  await portal.picture(`${test.info().project.name}-not-permitted`);
  await stack.gateway('user', 'set', 'marco', '--telecommuter', 'on');
  await expect(page.getByTestId('destination-enter'), 'a permission given is there at once').toBeVisible();
  expect(await carrier.calls()).toHaveLength(0);
});

test('an invitation sets the first password, once', async ({ page, stack, browser, baseURL }) => {
  await stack.gateway(
    ...['user', 'add', 'carla', '--display-name', 'Carla Verdi', '--extension', '203'],
    ...['--caller-id', '+390212345203', '--telecommuter', 'on'],
  );
  const link = (await stack.gateway('user', 'invite', 'carla')).match(/https?:\S+/)?.[0] ?? '';
  expect(link).toContain(stack.url);
  await expect(async () => {
    await page.goto('about:blank');
    await page.goto(link);
    await expect(page.getByTestId('invite-password')).toBeVisible({ timeout: 3_000 });
  }).toPass();
  await page.getByTestId('invite-password').fill('short');
  await page.getByTestId('invite-password-again').fill('short');
  await page.getByTestId('invite-submit').click();
  await expect(page.getByTestId('invite-error')).toContainText('characters');
  await page.getByTestId('invite-password').fill('a bridge over the river');
  await page.getByTestId('invite-password-again').fill('a bridge over the river');
  await page.getByTestId('invite-submit').click();
  const portal = new Portal(page);
  await portal.isConnected();
  await expect(page).toHaveURL(`${baseURL}/`);
  await expect(portal.mode).toHaveAttribute('data-mode', 'office');

  const stranger = await browser.newContext({ baseURL: stack.url });
  const second = await stranger.newPage();
  await second.goto(link);
  await expect(second.getByRole('alert')).toContainText('used already');
  await stranger.close();
});

test('t02 t10 a saved telephone is chosen, left, and deleted', async ({ portal, carrier, stack }) => {
  await carrier.answers(GARDEN, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  const { page } = portal;
  await portal.telecommuteAt(MOBILE);
  await page.getByTestId('destination-leave').click();
  await expect(portal.mode).toHaveAttribute('data-mode', 'office');
  await portal.dialInput.fill(ROME);
  await expect(portal.dialSubmit, 'no call back without a telephone').toBeDisabled();
  await expect(page.getByTestId('dial-blocked')).toContainText('enter telecommuting');

  await stack.gateway('user', 'destination', 'add', 'anna', '--label', 'Garden', '--number', GARDEN);
  const saved = page.getByTestId('saved-destination').filter({ hasText: 'Garden' });
  await saved.getByRole('radio').check();
  await page.getByTestId('destination-enter').click();
  await expect(page.getByTestId('current-destination')).toContainText('Garden');
  await portal.dialSubmit.click();
  await portal.isIn('connected');
  expect(await carrier.callsTo(GARDEN)).toHaveLength(1);
  await portal.hangUp();
  await portal.isOver();

  await page.getByTestId('destination-leave').click();
  await saved.getByTestId('destination-delete').click();
  await expect(saved).toHaveCount(0);
});

test('t02 an emergency number or a number of the company is no destination', async ({ portal }) => {
  const { page } = portal;
  await portal.telecommuteAt(HOME);
  await page.getByTestId('destination-change').click();
  await page.getByTestId('destination-number').fill('118');
  await expect(page.locator('#destination-error')).toContainText('emergency number');
  await page.getByTestId('destination-number').fill('+39 02 1234 5202');
  await page.getByTestId('destination-enter').click();
  await expect(portal.toasts.filter({ hasText: 'your own company' })).toBeVisible();
  await page.reload();
  expect(digits(await page.getByTestId('current-destination').innerText())).toBe(digits(HOME));
});
