import { test as base, expect, type BrowserContext } from '@playwright/test';
import path from 'node:path';
import { PushService } from '../../edge/tests/support/push_service.mjs';
import { Carrier } from './carrier.ts';
import { Portal } from './portal.ts';
import { Stack } from './stack.ts';

export { expect };

type Cookies = Awaited<ReturnType<BrowserContext['cookies']>>;

interface OfTheWorker {
  /** The one push service beside the browsers' own that the edge may call. */
  pushService: PushService;
  stack: Stack;
  /** Anna's session, made once: each sign-in costs a deliberate second of hashing. */
  session: Cookies;
}

interface OfTheTest {
  carrier: Carrier;
  /** Anna's portal, signed in and connected, with no call up. */
  portal: Portal;
  /** Fails the test if a page reported a fault of its own. */
  faultless: void;
}

export const test = base.extend<OfTheTest, OfTheWorker>({
  pushService: [
    async ({}, use) => {
      const service = await PushService.open();
      await use(service);
      await service.close();
    },
    { scope: 'worker' },
  ],

  stack: [
    async ({ pushService }, use, worker) => {
      const stack = await Stack.start(path.join(worker.project.outputDir, 'stack'), pushService.origin);
      await use(stack);
      await stack.close();
    },
    { scope: 'worker', timeout: 15 * 60_000 },
  ],

  session: [
    async ({ stack, browser }, use) => {
      const context = await browser.newContext({ baseURL: stack.url });
      const portal = new Portal(await context.newPage());
      await portal.page.goto('/');
      await portal.signIn(stack.person('anna'));
      await portal.isConnected(30_000);
      const cookies = await context.cookies();
      await context.close();
      await use(cookies);
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  baseURL: async ({ stack }, use) => use(stack.url),

  carrier: async ({ stack }, use) => {
    const carrier = new Carrier(stack.ready.carrier);
    await carrier.reset();
    await use(carrier);
    await carrier.reset();
    await stack.check();
  },

  portal: async ({ carrier: _quiet, context, session, page }, use) => {
    await context.addCookies(session);
    const portal = new Portal(page);
    await portal.open();
    await portal.isOver();
    await use(portal);
  },

  faultless: [
    async ({ context }, use) => {
      const faults: string[] = [];
      context.on('weberror', (error) => faults.push(String(error.error())));
      context.on('console', (message) => {
        const text = message.text();
        if (/panicked|Content Security Policy/.test(text)) faults.push(text);
      });
      await use();
      expect(faults, 'faults that the pages reported').toEqual([]);
    },
    { auto: true },
  ],
});
