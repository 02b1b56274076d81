import type { Page } from '@playwright/test';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { isAccessible, isNotTooWide } from '../support/looks.ts';
import { HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

test('no accessibility finding in the gallery of what pages are made of', { tag: '@mobile' }, async ({ page }) => {
  await page.goto('/admin/#gallery');
  await expect(page.getByTestId('gallery')).toBeVisible();
  // Both themes stand beside each other.
  await isAccessible(page, 'the gallery');
});

test('pages lead to each other without loading anew, and back', async ({ portal }) => {
  const { page } = portal;
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  const link = (path: string) => page.locator(`a[href="${path}"]:visible`).first();
  for (const path of ['/log', '/messages', '/settings', '/']) {
    await link(path).click();
    await expect(page).toHaveURL(new RegExp(`${path}$`));
    await expect(link(path)).toHaveAttribute('aria-current', 'page');
    await expect(page.locator('h1')).toBeFocused();
  }
  await page.goBack();
  await expect(link('/settings')).toHaveAttribute('aria-current', 'page');
  expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
  await page.goto('/nowhere');
  await expect(page).toHaveURL(/\/$/);
});

test('English and Italian, light and dark, and the choices stay', async ({ portal }) => {
  const { page } = portal;
  const html = page.locator('html');
  await expect(html).toHaveAttribute('lang', 'en');
  await page.getByTestId('language-switch').selectOption('it');
  await expect(html).toHaveAttribute('lang', 'it');
  await expect(portal.badge).toContainText('Connesso');

  const theme = page.getByTestId('theme-switch');
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  while ((await theme.getAttribute('data-theme-choice')) !== 'dark') await theme.click();
  await expect(html).toHaveAttribute('data-theme', 'dark');
  await expect.poll(background).not.toBe(light);
  await portal.picture(`${test.info().project.name}-dark-italian`);
  await page.reload();
  await portal.isConnected();
  await expect(html).toHaveAttribute('lang', 'it');
  await expect(html).toHaveAttribute('data-theme', 'dark');
});

test('at 320 and 360 pixels nothing scrolls sideways, idle and in a call', { tag: '@mobile' }, async ({
  portal,
  carrier,
}) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  await fits(portal.page);
  await portal.page.getByTestId('destination-change').click();
  await fits(portal.page);
  await portal.dial(ROME);
  await portal.isIn('connected');
  await portal.page.getByTestId('dtmf-open').click();
  await fits(portal.page);
  await portal.picture(`${test.info().project.name}-narrow`);
});

test('size of the portal and time to the first paint, for information', { tag: '@mobile' }, async ({ page, stack }) => {
  const dist = path.join(process.env.PONTE_ROOT ?? path.resolve(import.meta.dirname, '../..'), 'dist');
  const name = readdirSync(dist).find((file) => file.endsWith('_bg.wasm')) ?? '';
  const wasm = readFileSync(path.join(dist, name));
  await page.goto('/');
  const portal = new Portal(page);
  await expect(page.getByTestId('sign-in-submit')).toBeVisible();
  // The browser tells of a paint some frames after it; a picture makes it draw one.
  await page.screenshot();
  const firstPaint = () =>
    page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null);
  await expect.poll(firstPaint, { timeout: 5_000 }).not.toBeNull().catch(() => undefined);
  const paint = await firstPaint();
  expect(wasm.length).toBeGreaterThan(0);
  const kB = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
  console.log(`wasm at the start: ${kB(wasm.length)} raw, ${kB(brotliCompressSync(wasm).length)} brotli`);
  console.log(`first contentful paint at ${stack.url}: ${paint === null ? 'not told by the browser' : `${paint.toFixed(0)} ms`}`);
  await expect(portal.page).toHaveTitle(/Ponte/);
});

async function fits(page: Page): Promise<void> {
  for (const width of [320, 360]) {
    await page.setViewportSize({ width, height: 740 });
    await isNotTooWide(page, `at ${width} pixels`);
  }
}
