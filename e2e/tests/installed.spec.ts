import { HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

test('the portal opens while its server cannot be reached, says so, and comes back; a tel: link fills the dial field', async ({
  browser,
  stack,
  session,
}) => {
  const context = await browser.newContext({ baseURL: stack.url, serviceWorkers: 'allow' });
  await context.addCookies(session);
  const portal = new Portal(await context.newPage());
  await portal.open();
  await portal.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const worker = registration.active;
    if (worker?.state !== 'activated') {
      await new Promise((resolve) => worker?.addEventListener('statechange', resolve, { once: true }));
    }
  });
  await stack.kill('edge');
  try {
    await portal.page.goto('/');
    await expect(portal.page.getByRole('heading', { name: 'The server cannot be reached.' })).toBeVisible();
  } finally {
    await stack.start('edge');
  }
  await portal.page.getByRole('button', { name: 'Try again' }).click();
  await portal.isConnected(30_000);

  // What the browser opens for a link when Ponte is its handler of telephone numbers.
  await portal.page.goto(`/?dial=${encodeURIComponent(`tel:${ROME}`)}`);
  await portal.isConnected(30_000);
  await expect(portal.page.getByTestId('dial-input')).toHaveValue(/9876/);
  await expect(portal.card).toHaveCount(0);
  await context.close();
});

test('a page that cannot be loaded says so and comes when it is tried again; the call beside it goes on', async ({
  portal,
  carrier,
}) => {
  const { page } = portal;
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  const later = '**/ponte-app-*-later.wasm';
  await page.route(later, (route) => route.abort());
  await page.reload();
  await portal.isConnected();
  await portal.dial(ROME);
  await portal.isIn('connected');
  await portal.goTo('settings');
  await expect(page.getByTestId('not-loaded')).toBeVisible();
  await portal.isIn('connected');
  // As long as a version that is gone answers: the page itself.
  await page.unroute(later);
  await page.route(later, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByTestId('not-loaded')).toBeVisible();
  await page.unroute(later);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByTestId('setting-call-waiting')).toBeVisible();
  await portal.isIn('connected');
});
