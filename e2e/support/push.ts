import type { BrowserContext, CDPSession, Page } from '@playwright/test';
import type { Browser, PushText } from '../../edge/tests/support/push_service.mjs';

/** A notification as the browser shows it. */
export interface Shown {
  title: string;
  body: string;
  tag: string;
  stays: boolean;
  path: string;
}

/**
 * Lets the pages of a context subscribe with a push service of the test, as `browser`: what a browser would ask its maker's
 * service, which a test does not reach.
 */
export async function subscribesAs(context: BrowserContext, browser: Browser): Promise<void> {
  await context.addInitScript((json) => {
    const KEPT = 'test.subscribed';
    const subscription = () => {
      const key = localStorage.getItem(KEPT);
      if (!key) return null;
      const binary = atob(key.replaceAll('-', '+').replaceAll('_', '/'));
      const applicationServerKey = Uint8Array.from(binary, (byte) => byte.charCodeAt(0)).buffer;
      return {
        ...json,
        options: { userVisibleOnly: true, applicationServerKey },
        toJSON: () => json,
        unsubscribe: async () => {
          localStorage.removeItem(KEPT);
          return true;
        },
      } as unknown as PushSubscription;
    };
    PushManager.prototype.getSubscription = async () => subscription();
    PushManager.prototype.subscribe = async (options) => {
      if (!options?.userVisibleOnly) throw new DOMException('browsers want every message shown', 'NotAllowedError');
      localStorage.setItem(KEPT, String(options.applicationServerKey));
      return subscription() as PushSubscription;
    };
  }, browser.toJSON());
}

/**
 * The service worker of a context, and what it shows. Its page is none of the portal's: while it is open, no portal needs
 * to be.
 */
export class Notifications {
  private constructor(
    private readonly page: Page,
    private readonly devtools: CDPSession,
    private readonly registrationId: string,
  ) {}

  /** The portal must have been opened in this context before. */
  static async of(context: BrowserContext): Promise<Notifications> {
    const page = await context.newPage();
    await page.route('**/admin/blank', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
    await page.goto('/admin/blank');
    const devtools = await context.newCDPSession(page);
    const { origin } = new URL(page.url());
    const registered = new Promise<string>((resolve) => {
      devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const own = registrations.find(({ scopeURL, isDeleted }) => scopeURL === `${origin}/` && !isDeleted);
        if (own) resolve(own.registrationId);
      });
    });
    await devtools.send('ServiceWorker.enable');
    return new Notifications(page, devtools, await registered);
  }

  /** Gives the service worker a message, as the browser does that has decrypted it. */
  async deliver(text: PushText): Promise<void> {
    const { origin } = new URL(this.page.url());
    const data = JSON.stringify(text);
    await this.devtools.send('ServiceWorker.deliverPushMessage', { origin, registrationId: this.registrationId, data });
  }

  /** What is shown now. */
  shown(): Promise<Shown[]> {
    return this.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration('/');
      const notifications = (await registration?.getNotifications()) ?? [];
      return notifications.map(({ title, body, tag, requireInteraction, data }) => {
        return { title, body, tag, stays: requireInteraction, path: String(data?.path) };
      });
    });
  }

  /**
   * Clicks the notification with this tag; what the worker has the browser show then: `open` and a path, or `focus` and the
   * path of the page that is there. A browser lets a worker do either only within a click of a person, of which a test has
   * none: both are noted in its place.
   */
  async click(context: BrowserContext, tag: string): Promise<[what: 'open' | 'focus', path: string]> {
    const worker = context.serviceWorkers().at(-1) ?? (await context.waitForEvent('serviceworker'));
    return worker.evaluate(async (tag) => {
      const scope = globalThis as unknown as {
        registration: ServiceWorkerRegistration;
        clients: { openWindow: (path: string) => Promise<null> };
        WindowClient: { prototype: { focus: () => Promise<unknown> } };
        NotificationEvent: new (type: string, init: { notification: Notification }) => Event;
      };
      const [notification] = await scope.registration.getNotifications({ tag });
      if (!notification) throw new Error('no such notification');
      const did: ['open' | 'focus', string][] = [];
      scope.clients.openWindow = async (path) => {
        did.push(['open', path]);
        return null;
      };
      scope.WindowClient.prototype.focus = async function (this: { url: string }) {
        did.push(['focus', new URL(this.url).pathname]);
      };
      const event = new scope.NotificationEvent('notificationclick', { notification });
      const waited: Promise<unknown>[] = [];
      Object.defineProperty(event, 'waitUntil', { value: (promise: Promise<unknown>) => waited.push(promise) });
      globalThis.dispatchEvent(event);
      await Promise.all(waited);
      const [first] = did;
      if (!first || did.length > 1) throw new Error(`it showed ${JSON.stringify(did)}`);
      return first;
    }, tag);
  }
}
