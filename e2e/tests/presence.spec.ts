import { LossyLink } from '../../edge/tests/support/lossy.mjs';
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

test('t12 with 20 % loss between two devices and the edge, changes at once are equal within a second', async ({
  browser,
  session,
  stack,
}, testInfo) => {
  test.setTimeout(120_000);
  const links = [];
  const devices: Portal[] = [];
  for (const seed of [3, 9]) {
    const link = await LossyLink.open(Number(new URL(stack.url).port), { loss: 0.2, delayMs: 10, seed });
    const context = await browser.newContext({ baseURL: `http://localhost:${link.port}` });
    await context.addCookies(session);
    const device = new Portal(await context.newPage());
    await device.open();
    await device.page.getByTestId('presence').click();
    links.push(link);
    devices.push(device);
  }
  /** What a device shows, and when that last changed, in milliseconds since 1970. */
  const shown = async ({ page }: Portal) => {
    const [presence, at] = await page.getByTestId('presence').evaluate((button) => {
      const seen = button as HTMLElement & { changedAt?: number };
      if (seen.changedAt === undefined) {
        seen.changedAt = Date.now();
        const told = new MutationObserver(() => (seen.changedAt = Date.now()));
        told.observe(seen, { attributeFilter: ['data-presence'] });
      }
      return [seen.dataset.presence, seen.changedAt] as const;
    });
    return { presence, at };
  };
  const took: number[] = [];
  const choices = ['busy', 'away', 'available', 'do_not_disturb'];
  for (let round = 0; round < 16; round += 1) {
    const started = Date.now();
    await Promise.all(
      devices.map(({ page }, n) => page.getByTestId(`presence-${choices[(round + n) % 4]}`).dispatchEvent('click')),
    );
    let last = { presence: '', at: Infinity };
    await expect(async () => {
      const [one, other] = await Promise.all(devices.map(shown));
      expect(one!.presence).toBe(other!.presence);
      last = { presence: one!.presence!, at: Math.max(one!.at, other!.at) };
      expect(Date.now() - Math.max(last.at, started), 'milliseconds without a change').toBeGreaterThan(EQUAL_MS);
    }).toPass({ timeout: 20_000, intervals: [50] });
    took.push(Math.max(0, last.at - started));
  }
  took.sort((a, b) => a - b);
  const late = took.filter((ms) => ms > EQUAL_MS).length;
  testInfo.annotations.push({ type: 'figures', description: `median ${took[took.length / 2]} ms, longest ${took.at(-1)} ms, ${late} of ${took.length} later than 1 s` });
  expect(late, `late in ${took.join(', ')} ms`).toBeLessThanOrEqual(1);
  for (const { page } of devices) await page.context().close();
  for (const link of links) await link.close();
});
