import { ANNA_DID, CALLER, CALLER_HZ, HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';
import type { Order } from '../support/carrier.ts';

const caller: Order = { from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } };

test('t06 calls are forwarded to another number while the user wants that, and come back after', async ({
  portal,
  carrier,
}) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  const { page } = portal;
  await portal.goTo('settings');
  await page.getByTestId('forward-always').fill('not a number');
  await expect(page.getByTestId('forwarding-save')).toBeDisabled();
  await page.getByTestId('forward-always').fill(ROME);
  await page.getByTestId('forwarding-save').click();
  await expect(page.locator('form.forwarding')).toHaveAttribute('aria-busy', 'false');
  await expect(page.getByTestId('forwarding-save')).toBeDisabled();
  await portal.picture(`${test.info().project.name}-forwarding`);
  await carrier.places(caller);
  await Promise.all([carrier.hears(ROME, CALLER_HZ), carrier.hears(CALLER, ROME_HZ)]);
  expect(await carrier.callsTo(HOME), 'the own telephone does not ring').toHaveLength(0);
  await carrier.hangUp(await carrier.lastCallTo(CALLER));
  await carrier.isQuiet();

  await page.getByTestId('forward-always').fill('');
  await page.getByTestId('forwarding-save').click();
  await expect(page.locator('form.forwarding')).toHaveAttribute('aria-busy', 'false');
  await expect(page.getByTestId('forwarding-save')).toBeDisabled();
  await carrier.places(caller);
  await carrier.hears(HOME, CALLER_HZ);
});

test('one click on a profile changes where calls ring, and settings of no profile are called so', async ({
  portal,
  carrier,
}) => {
  await carrier.answers(HOME, HOME_HZ);
  const { page } = portal;
  // The number that the demo keeps as "Home".
  await portal.telecommuteAt(HOME);
  const live = page.getByTestId('profile-live');
  const own = page.getByTestId('profile').filter({ hasText: 'Train' });
  await page.locator('.profile-keep > summary').click();
  await page.getByTestId('profile-name').fill('Train');
  await page.getByTestId('profile-save').click();
  await expect(own).toHaveAttribute('aria-pressed', 'true');
  await portal.picture(`${test.info().project.name}-profiles`);

  await page.getByTestId('profile').filter({ hasText: 'Office' }).click();
  await expect(portal.mode).toHaveAttribute('data-mode', 'office');
  await expect(live).toContainText('Office');
  await own.click();
  await expect(portal.mode).toHaveAttribute('data-mode', 'telecommuting');
  await expect(own).toHaveAttribute('aria-pressed', 'true');

  await portal.goTo('settings');
  await page.getByTestId('setting-call-waiting').click();
  await portal.goTo('phone');
  await expect(live).toContainText('Detected');
  await own.click();
  await expect(live).toContainText('Train');
  await page.locator('.profile-keep > summary').click();
  await page.getByTestId('profile-delete').click();
  await expect(own).toHaveCount(0);
});
