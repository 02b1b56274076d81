import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

test('no serious accessibility finding on sign-in, gallery, home, and a call, light and dark', { tag: '@mobile' }, async ({
  portal,
  carrier,
  browser,
  stack,
}) => {
  const stranger = await browser.newContext({ baseURL: stack.url });
  const guest = await stranger.newPage();
  await guest.goto('/');
  await expect(guest.getByTestId('sign-in-submit')).toBeVisible();
  await isAccessible(guest, 'sign-in');
  await guest.goto('/admin/#gallery');
  await expect(guest.getByTestId('gallery')).toBeVisible();
  // Both themes stand beside each other.
  await isAccessible(guest, 'the gallery');
  await stranger.close();

  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  await isAccessible(portal.page, 'home');
  await portal.dial(ROME);
  await portal.isIn('connected');
  await portal.page.getByTestId('dtmf-open').click();
  await isAccessible(portal.page, 'in a call');
  await portal.page.emulateMedia({ colorScheme: 'dark' });
  await isAccessible(portal.page, 'in a call, dark');
  await portal.picture(`${test.info().project.name}-in-call-dark`);
});

test('no accessibility finding on log, messages, settings and presence, light and dark, and nothing too wide', {
  tag: '@mobile',
}, async ({ portal }) => {
  const { page } = portal;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const name of ['log', 'messages', 'settings']) {
      await page.goto(`/${name}`);
      await portal.isConnected();
      await expect(page.locator('h1')).toBeVisible();
      await isAccessible(page, `${name}, ${colorScheme}`);
      await portal.picture(`${test.info().project.name}-${name}-${colorScheme}`);
    }
    await page.getByTestId('presence').click();
    await expect(page.getByTestId('presence-status')).toBeVisible();
    await isAccessible(page, `presence, ${colorScheme}`);
    await page.keyboard.press('Escape');
  }
  for (const name of ['log', 'messages', 'settings']) {
    await page.goto(`/${name}`);
    await portal.isConnected();
    await fits(page);
  }
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

test('a whole call with the keyboard alone', async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  const { page } = portal;
  const { keyboard } = page;
  await page.reload();
  await portal.isConnected();
  await keyboard.press('/');
  await expect(portal.dialInput).toBeFocused();
  await keyboard.type('06 9876 5401');
  await keyboard.press('Enter');
  await portal.isIn('connected');
  await tabTo(page, 'dtmf-open');
  await keyboard.press('Enter');
  await expect(page.getByTestId('dtmf-key-5')).toBeVisible();
  await keyboard.press('5');
  await expect
    .poll(async () => (await carrier.lastCallTo(ROME)).media.dtmf.map((heard) => heard.digit))
    .toEqual(['5']);
  await tabTo(page, 'call-hangup');
  await keyboard.press('Enter');
  await portal.isOver();
  await portal.logSays('answered', 'normal_clearing');
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

async function isAccessible(page: Page, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
  expect(told, `accessibility of ${where}`).toEqual([]);
}

async function tabTo(page: Page, testId: string): Promise<void> {
  const target = page.getByTestId(testId);
  for (let step = 0; step < 200; step += 1) {
    await page.keyboard.press('Tab');
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`the Tab key does not reach ${testId}`);
}

async function fits(page: Page): Promise<void> {
  for (const width of [320, 360]) {
    await page.setViewportSize({ width, height: 740 });
    await expect.poll(() => page.evaluate(tooWide), { message: `too wide at ${width} pixels` }).toEqual([]);
  }
}

/** What makes the page scroll sideways: the elements that reach beyond it, by what they are called. */
function tooWide(): string[] {
  const width = window.innerWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const beyond = [...document.querySelectorAll('body *')].filter((element) => {
    const { right, left } = element.getBoundingClientRect();
    return right > width + 0.5 || left < -0.5;
  });
  return beyond.map((element) => `${element.tagName}.${element.className}#${element.getAttribute('data-testid') ?? ''}`);
}
