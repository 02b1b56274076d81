import type { Page } from '@playwright/test';
import {
  ANNA_DID,
  CALLER,
  CALLER_HZ,
  HOME,
  HOME_HZ,
  LONDON,
  LONDON_HZ,
  MOBILE,
  MOBILE_HZ,
  ROME,
  ROME_HZ,
} from '../support/numbers.ts';
import { isNotTooWide, standsLooks } from '../support/looks.ts';
import { Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';
import type { Carrier, Order } from '../support/carrier.ts';

/*
 * The looks of every state: each is brought about for real, held still, and looked at, light and dark.
 */

const SECOND = '+393337654322';
const caller: Order = { from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } };

// None builds on another: the slowest file would be the last.
test.describe.configure({ mode: 'parallel', timeout: 180_000 });

test('looks of the entrance: sign-in, a refusal, an invitation, a part that cannot be loaded', {
  tag: '@mobile',
}, async ({ browser, portal, stack }, { project }) => {
  const context = await browser.newContext({ baseURL: stack.url, ...project.use });
  const page = await context.newPage();
  await page.goto('/');
  await expect(page.getByTestId('sign-in-submit')).toBeVisible();
  await standsLooks(page, 'sign-in');
  await new Portal(page).signIn({ ...stack.person('anna'), password: 'not her password' });
  await expect(page.getByTestId('sign-in-error')).not.toBeEmpty();
  await standsLooks(page, 'sign-in-refused');
  await page.goto('/invite#not-a-true-invitation');
  await expect(page.locator('h1')).toBeVisible();
  await standsLooks(page, 'invitation-not-valid');
  await context.close();

  await portal.page.route(/-later\.wasm/, (route) => route.abort());
  await portal.page.goto('/directory');
  await expect(portal.page.getByTestId('not-loaded')).toBeVisible();
  await standsLooks(portal.page, 'part-not-loaded');
});

test('looks of home: the choice of telephone, presence, palette, shortcuts, what is typed and refused', {
  tag: '@mobile',
}, async ({ portal }) => {
  const { page } = portal;
  if ((await portal.mode.getAttribute('data-mode')) === 'telecommuting') await portal.leaves();
  await standsLooks(page, 'office');
  await portal.telecommuteAt(HOME);
  await portal.dismissToasts();
  await standsLooks(page, 'home');
  await page.getByTestId('destination-change').click();
  await expect(page.getByTestId('destination-number')).toBeVisible();
  await standsLooks(page, 'choice-of-telephone');
  await page.getByTestId('destination-number').fill('+39 02 1234 5202');
  await page.getByTestId('destination-enter').click();
  await expect(page.locator('[role=alert]:visible').first()).toBeVisible();
  await standsLooks(page, 'destination-refused');
  await page.reload();
  await portal.isConnected();

  await page.getByTestId('presence').click();
  await expect(page.getByTestId('presence-status')).toBeVisible();
  await standsLooks(page, 'presence');
  await page.keyboard.press('Escape');
  await page.locator('h1').first().focus();
  await page.keyboard.press('?');
  await expect(page.getByTestId('shortcuts')).toBeVisible();
  await standsLooks(page, 'shortcuts');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await expect(page.getByTestId('palette-offer').first()).toBeVisible();
  await standsLooks(page, 'palette');
  await page.keyboard.type('marco');
  await expect(page.getByTestId('palette-offer').first()).toContainText('Marco');
  await standsLooks(page, 'palette-found');
  await page.keyboard.press('Escape');

  await portal.dialInput.fill('112');
  await expect(page.getByTestId('dial-emergency').or(page.getByTestId('dial-rule')).first()).toBeVisible();
  await standsLooks(page, 'emergency');
  await portal.dialInput.fill('mar');
  await expect(page.getByTestId('dial-suggestion').first()).toBeVisible();
  await standsLooks(page, 'suggestions');
  await portal.dial('899 123456');
  await expect(portal.dialError).not.toBeEmpty();
  await standsLooks(page, 'dial-refused');
});

test('looks of a call that is made: both legs, keypad, quality, hold, giving and moving it, its end', {
  tag: '@mobile',
}, async ({ portal, carrier }) => {
  const { page } = portal;
  await carrier.set(HOME, { kind: 'ring_out' });
  await portal.telecommuteAt(HOME);
  await portal.dial(ROME);
  await portal.isIn('calling_user');
  await portal.dismissToasts();
  await standsLooks(page, 'calling-user');
  await portal.hangUp();
  await portal.isOver();
  await standsLooks(page, 'ended');

  await carrier.answers(MOBILE, MOBILE_HZ);
  await portal.telecommuteAt(MOBILE, 'on');
  await portal.dial(ROME);
  await portal.isIn('confirming');
  await portal.dismissToasts();
  await standsLooks(page, 'confirming');
  await portal.hangUp();
  await portal.isOver();

  await carrier.set(ROME, { kind: 'ring_out' });
  await inCall(portal, carrier, 'calling_far');
  await standsLooks(page, 'calling-far');
  await portal.hangUp();
  await portal.isOver();

  await carrier.answers(ROME, ROME_HZ);
  await inCall(portal, carrier);
  await standsLooks(page, 'in-call');
  const panels: [opener: string, state: string][] = [
    ['dtmf-open', 'keypad'],
    ['call-give', 'giving'],
    ['call-move', 'moving'],
  ];
  for (const [opener, state] of panels) {
    await page.getByTestId(opener).click();
    await expect(page.getByTestId(opener)).toHaveAttribute('aria-expanded', 'true');
    await standsLooks(page, state);
    await page.getByTestId(opener).click();
  }
  const quality = page.getByTestId('quality').first();
  await expect(quality).toBeVisible({ timeout: 20_000 });
  await quality.locator('summary').click();
  await standsLooks(page, 'quality');
  await quality.locator('summary').click();
  await page.getByTestId('call-mute').click();
  await expect(page.getByTestId('call-muted')).not.toBeEmpty();
  await standsLooks(page, 'muted');
  await page.getByTestId('call-hold').click();
  await portal.isIn('held');
  await standsLooks(page, 'held');
  await portal.hangUp();
  await portal.isOver();

  await carrier.set(ROME, { kind: 'busy' });
  await portal.dial(ROME);
  await portal.isIn('far_failed');
  // Ten seconds, in which the telephone may be given another number.
  await standsLooks(page, 'far-failed');
  await portal.isOver();
});

test('looks of calls that come: ringing, a second one, two at once, a conference, parked, voicemail', {
  tag: '@mobile',
}, async ({ portal, carrier }) => {
  const { page } = portal;
  await carrier.set(HOME, { kind: 'ring_out' });
  await portal.telecommuteAt(HOME);
  await carrier.places(caller);
  await portal.isIn('ringing');
  await portal.dismissToasts();
  await standsLooks(page, 'ringing');
  await page.getByTestId('call-reject').click();
  await portal.isIn('voicemail');
  await standsLooks(page, 'in-voicemail');
  await carrier.hangUp(await carrier.lastCallTo(CALLER));
  await portal.isOver();

  await carrier.answers(ROME, ROME_HZ);
  await inCall(portal, carrier);
  await carrier.places({ from: SECOND, to: ANNA_DID, telephone: { tone_hz: LONDON_HZ } });
  const second = portal.cardOf(SECOND);
  await expect(second).toHaveAttribute('data-phase', 'waiting');
  await standsLooks(page, 'waiting');
  await second.getByTestId('call-accept').click();
  await expect(second).toHaveAttribute('data-phase', 'connected');
  await standsLooks(page, 'two-calls');
  await second.getByTestId('call-merge').click();
  await expect(page.getByTestId('member')).toHaveCount(2);
  await standsLooks(page, 'conference');
  await page.getByTestId('conference-end').click();
  await portal.isOver();

  await inCall(portal, carrier);
  await page.getByTestId('call-park').click();
  await expect(page.getByTestId('parked-call')).toBeVisible();
  await portal.dismissToasts();
  await standsLooks(page, 'parked');
  await carrier.hangUp(await carrier.lastCallTo(ROME));
  await expect(page.getByTestId('parked-call')).toHaveCount(0);
});

test('looks of the pages: log, directory, messages, settings, and what opens in them', { tag: '@mobile' }, async ({
  portal,
  carrier,
}) => {
  const { page } = portal;
  await carrier.answers(ROME, ROME_HZ);
  await inCall(portal, carrier);
  await portal.hangUp();
  await portal.isOver();
  await portal.goTo('log');
  await expect(portal.logRows.first()).toBeVisible();
  await portal.logRows.first().getByRole('button', { expanded: false }).click();
  await expect(portal.logRows.first().getByTestId('log-cause')).toBeVisible();
  await standsLooks(page, 'log');
  await page.getByTestId('log-search').fill('nobody is called this');
  await expect(portal.logRows).toHaveCount(0);
  await standsLooks(page, 'log-nothing-found');

  await portal.goTo('directory');
  await expect(page.getByTestId('colleague').first()).toBeVisible();
  await standsLooks(page, 'directory');
  await page.getByTestId('contact-new').click();
  await page.getByTestId('contact-save').click();
  await expect(page.getByTestId('contact-error')).not.toBeEmpty();
  await standsLooks(page, 'contact-form');
  await page.getByTestId('contact-name').fill('Nadia Neri');
  await page.getByTestId('contact-number').first().fill(LONDON);
  await page.getByTestId('contact-save').click();
  const contact = page.getByTestId('contact').filter({ hasText: 'Nadia Neri' });
  await contact.getByTestId('contact-open').click();
  await portal.dismissToasts();
  await standsLooks(page, 'contact');
  await contact.getByTestId('contact-delete').click();
  await expect(contact).toHaveCount(0);
  await expect(portal.toasts.first()).toBeVisible();
  await standsLooks(page, 'toast');
  await page.getByTestId('directory-search').fill('nobody is called this');
  await expect(page.getByTestId('colleague')).toHaveCount(0);
  await standsLooks(page, 'directory-nothing-found');

  await portal.goTo('voicemail');
  await expect(page.locator('h1')).toBeFocused();
  await standsLooks(page, 'messages');

  await portal.goTo('settings');
  await expect(page.locator('h1')).toBeFocused();
  await standsLooks(page, 'settings');
  await opensAll(page);
  await standsLooks(page, 'settings-opened');
  await isNotTooWide(page, 'settings with everything open');
});

test('looks of outages: the edge away, the gateway away, no network', { tag: '@mobile' }, async ({
  portal,
  carrier,
  context,
  stack,
}) => {
  await carrier.answers(ROME, ROME_HZ);
  await inCall(portal, carrier);
  await context.setOffline(true);
  await expect(portal.badge).toHaveAttribute('data-state', 'offline');
  await standsLooks(portal.page, 'offline');
  await context.setOffline(false);
  await portal.isConnected();
  await stack.kill('edge');
  await expect(portal.badge).toHaveAttribute('data-state', 'reconnecting');
  await standsLooks(portal.page, 'edge-away');
  await stack.start('edge');
  await portal.isConnected();
  await portal.hangUp();
  await portal.isOver();
  await stack.kill('gateway');
  await expect(portal.badge).toHaveAttribute('data-state', 'gateway-offline');
  await standsLooks(portal.page, 'gateway-away');
  await stack.start('gateway');
  await portal.isConnected();
});

/** A call to Rome by the telephone at home, with nothing before the card. */
async function inCall(portal: Portal, carrier: Carrier, phase: 'calling_far' | 'connected' = 'connected'): Promise<void> {
  await carrier.answers(HOME, HOME_HZ);
  await portal.telecommuteAt(HOME, 'off');
  await portal.dial(ROME);
  await portal.isIn(phase);
  await portal.dismissToasts();
}

/** Opens whatever can be opened. */
async function opensAll(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
}
