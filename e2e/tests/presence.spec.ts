import { HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

/** Rule T12. */
const EQUAL_MS = 1_000;

test('t12 a presence set on one device is on the other within a second; of two at once, one is left everywhere', async ({
  portal,
  browser,
  context,
  baseURL,
}) => {
  const phone = await browser.newContext({ baseURL, viewport: { width: 390, height: 844 } });
  await phone.addCookies(await context.cookies());
  const other = new Portal(await phone.newPage());
  await other.open();
  const both = [portal, other];
  for (const one of both) await one.page.getByTestId('presence').click();
  await portal.page.getByTestId('presence-busy').click();
  await expect(other.page.getByTestId('presence')).toHaveAttribute('data-presence', 'busy', { timeout: EQUAL_MS });

  await portal.page.getByTestId('presence-status').fill('In the garden');
  await portal.page.getByTestId('presence-save').click();
  await expect(other.page.getByTestId('presence-status')).toHaveValue('In the garden', { timeout: EQUAL_MS });

  await Promise.all([
    portal.page.getByTestId('presence-away').dispatchEvent('click'),
    other.page.getByTestId('presence-available').dispatchEvent('click'),
  ]);
  await expect(async () => {
    const shown = await Promise.all(both.map((one) => one.page.getByTestId('presence').getAttribute('data-presence')));
    expect(shown[0]).toBe(shown[1]);
    expect(['away', 'available']).toContain(shown[0]);
  }).toPass({ timeout: EQUAL_MS, intervals: [50] });
  await portal.page.getByTestId('presence-clear').click();
  await expect(other.page.getByTestId('presence-status')).toHaveValue('', { timeout: EQUAL_MS });
  await phone.close();
});

test('t12 who is on a call is shown as on a call', async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.dial(ROME);
  await portal.isIn('connected');
  const presence = portal.page.getByTestId('presence');
  await expect(presence).toHaveAttribute('data-presence', 'on_call');
  await portal.hangUp();
  await portal.isOver();
  await expect(presence).not.toHaveAttribute('data-presence', 'on_call');
});
