import type { APIRequestContext, Browser, BrowserContext } from '@playwright/test';
import { Browser as Subscriber, readVapid, type PushService } from '../../edge/tests/support/push_service.mjs';
import type { CallReport, Carrier } from '../support/carrier.ts';
import { ANNA_DID, CALLER, HOME } from '../support/numbers.ts';
import { grouped, Portal } from '../support/portal.ts';
import { Notifications, subscribesAs } from '../support/push.ts';
import type { Stack } from '../support/stack.ts';
import { expect, test } from '../support/test.ts';

test('t06 a call is told in a browser whose portal is closed, leads to the portal, and is missed in the same place', async ({
  browser,
  carrier,
  pushService,
  stack,
}) => {
  test.slow();
  const { context, here, portal } = await atHome(browser, carrier, pushService, stack);
  const notifications = await Notifications.of(context);
  await switches(portal, true);
  await portal.page.close();

  // Nobody takes it.
  const first = await rings(carrier, pushService, here);
  const told = await pushService.message(here, first.messages);
  expect(told.text).toMatchObject({ type: 'ringing', language: 'en' });
  expect(told.text.number).toMatch(grouped(CALLER));
  expect(readVapid(String(told.headers.authorization)).claims).toMatchObject({ aud: pushService.origin, sub: stack.url });
  await notifications.deliver(told.text);
  await expect.poll(() => notifications.shown()).toHaveLength(1);
  const [ringing] = await notifications.shown();
  expect(ringing).toMatchObject({ title: `Call: ${told.text.number}`, tag: told.text.call, stays: true });
  await carrier.hangUp(first.call);
  const missed = await pushService.message(here, first.messages + 1);
  expect(missed.text).toMatchObject({ type: 'missed', call: told.text.call });
  await notifications.deliver(missed.text);
  await expect.poll(async () => (await notifications.shown()).map(({ title }) => title)).toEqual(['Missed call']);
  const [left] = await notifications.shown();
  expect(left).toMatchObject({ body: told.text.number, tag: told.text.call, stays: false, path: '/log' });
  expect(left?.body, 'written as everywhere').not.toContain(CALLER);

  // A click leads to it.
  const second = await rings(carrier, pushService, here);
  const { text } = await pushService.message(here, second.messages);
  await notifications.deliver(text);
  await expect.poll(async () => (await notifications.shown()).map(({ tag }) => tag)).toContain(text.call);
  expect(await notifications.click(context, text.call)).toEqual(['open', '/']);
  expect((await notifications.shown()).map(({ tag }) => tag)).not.toContain(text.call);
  const again = new Portal(await context.newPage());
  await again.open();
  await again.isIn('ringing');
  await expect(again.card.getByTestId('call-party')).toContainText(grouped(CALLER));
  // Where a portal is, it is brought to the front.
  await notifications.deliver(text);
  await expect.poll(async () => (await notifications.shown()).map(({ tag }) => tag)).toContain(text.call);
  expect(await notifications.click(context, text.call)).toEqual(['focus', '/']);
  await carrier.hangUp(second.call);
  await pushService.message(here, second.messages + 1);
  await again.isOver();

  // An open portal tells its calls itself.
  const before = pushService.of(here).length;
  const seen = await carrier.places({ from: CALLER, to: ANNA_DID });
  await again.isIn('ringing');
  await carrier.hangUp(seen);
  await again.isOver();
  await again.page.close();
  const third = await rings(carrier, pushService, here);
  const kinds = pushService.of(here).slice(before).map(({ body }) => here.decrypt(body));
  const calls = new Set(kinds.map(({ call }) => call));
  expect(calls.size, 'none of the call that the portal showed').toBe(1);
  await carrier.hangUp(third.call);
  await context.close();
});

test('t06 a browser in which the switch is turned off is told of no call', async ({
  browser,
  carrier,
  playwright,
  pushService,
  stack,
}) => {
  test.slow();
  const { context, here, portal } = await atHome(browser, carrier, pushService, stack);
  await switches(portal, true);
  // What was switched on outlives the page.
  await portal.page.reload();
  await portal.isConnected();
  const other = await playwright.request.newContext({ baseURL: stack.url, extraHTTPHeaders: { origin: stack.url } });
  const witness = await subscribedElsewhere(other, pushService, stack);
  await portal.goTo('phone');
  await portal.page.close();
  const first = await rings(carrier, pushService, witness);
  await pushService.message(here, 1);
  await carrier.hangUp(first.call);
  await pushService.message(witness, first.messages + 1);
  await expect.poll(() => pushService.of(here).length).toBe(pushService.of(witness).length);

  const again = new Portal(await context.newPage());
  await again.open();
  await switches(again, false);
  expect(await again.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return registration.pushManager.getSubscription();
  }), 'the browser has unsubscribed').toBeNull();
  await again.page.close();
  const before = pushService.of(here).length;
  const second = await rings(carrier, pushService, witness);
  await carrier.hangUp(second.call);
  await pushService.message(witness, second.messages + 1);
  expect(pushService.of(here), 'nothing since').toHaveLength(before);
  await other.delete('/api/push');
  await other.dispose();
  await context.close();
});

/** A browser of Anna's that may show notifications, in which she is at home and her telephone rings. */
async function atHome(browser: Browser, carrier: Carrier, service: PushService, stack: Stack): Promise<AtHome> {
  const context = await browser.newContext({ baseURL: stack.url, serviceWorkers: 'allow', permissions: ['notifications'] });
  const here = new Subscriber(service);
  await subscribesAs(context, here);
  await carrier.set(HOME, { kind: 'ring_out' });
  const portal = new Portal(await context.newPage());
  await portal.page.goto('/');
  await portal.signIn(stack.person('anna'));
  await portal.isConnected(30_000);
  await portal.isOver();
  await portal.telecommuteAt(HOME);
  return { context, here, portal };
}

interface AtHome {
  context: BrowserContext;
  /** What the browser is to the push service. */
  here: Subscriber;
  portal: Portal;
}

async function switches(portal: Portal, on: boolean): Promise<void> {
  await portal.goTo('settings');
  const push = portal.page.getByTestId('setting-push');
  await expect(push).toBeEnabled();
  await expect(push).toBeChecked({ checked: !on });
  await push.click();
  await expect(push).toBeChecked({ checked: on });
}

/** Another browser of Anna's, of which only the subscription is there. */
async function subscribedElsewhere(request: APIRequestContext, service: PushService, stack: Stack): Promise<Subscriber> {
  const { name, password } = stack.person('anna');
  const signedIn = await request.post('/api/sign-in', { data: { user: name, password } });
  expect(signedIn.status()).toBe(204);
  const subscriber = new Subscriber(service);
  expect((await request.get('/api/push')).status()).toBe(200);
  const subscribed = await request.post('/api/push', { data: { ...subscriber.toJSON(), language: 'en' } });
  expect(subscribed.status()).toBe(204);
  return subscriber;
}

interface Ringing {
  call: CallReport;
  /** How many messages the browser has with the one of this call. */
  messages: number;
}

/** Somebody calls, and a browser is told. The edge may see only then that the last portal was closed: then once more. */
async function rings(carrier: Carrier, service: PushService, browser: Subscriber): Promise<Ringing> {
  for (let tries = 1; ; tries += 1) {
    const messages = service.of(browser).length + 1;
    const call = await carrier.places({ from: CALLER, to: ANNA_DID });
    try {
      await service.message(browser, messages, 5_000);
      return { call, messages };
    } catch (error) {
      if (tries === 3) throw error;
      await carrier.hangUp(call);
      await carrier.isQuiet();
    }
  }
}
