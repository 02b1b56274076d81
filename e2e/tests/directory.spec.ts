import { isAccessible } from '../support/looks.ts';
import { CALLER, CALLER_HZ, HOME, HOME_HZ, MARCO_DID, ROME, ROME_HZ } from '../support/numbers.ts';
import { Portal, grouped } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

const CARDS = [
  'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nadia Neri\r\nORG:Studio Neri\r\nTEL;TYPE=WORK:06 98765401\r\nEND:VCARD\r\n',
  'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Otto Verdi\r\nTEL;TYPE=cell:+39 333 765 4321\r\nNOTE:Not before ten\r\nEND:VCARD\r\n',
  'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Piero\r\nTEL:call me\r\nEND:VCARD\r\n',
].join('');

test('t07 a file of contacts is previewed and added; one is found, dialled, and named on the call and in the log', {
  tag: '@mobile',
}, async ({ portal, carrier }, info) => {
  const { page } = portal;
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME, 'off');
  await portal.goTo('directory');
  await expect(page.locator('h1')).toBeFocused();
  const contacts = page.getByTestId('contact');
  await expect(contacts).toHaveCount(0);

  await page.getByTestId('contact-files').locator('summary').click();
  await page.getByTestId('contact-file').setInputFiles({
    name: 'contacts.vcf',
    mimeType: 'text/vcard',
    buffer: Buffer.from(CARDS),
  });
  await expect(page.getByTestId('import-summary')).toContainText('2');
  await expect(page.getByTestId('import-problem')).toContainText('call me');
  await portal.picture(`directory-import-${info.project.name}`);
  await expect(contacts, 'a preview adds nothing').toHaveCount(0);
  await page.getByTestId('import-add').click();
  await expect(contacts).toHaveCount(2);

  const otto = contacts.filter({ hasText: 'Otto' });
  await otto.getByTestId('contact-star').click();
  await expect(contacts.first()).toContainText('Otto');
  await otto.getByTestId('contact-open').click();
  await expect(otto.getByTestId('contact-notes')).toHaveText('Not before ten');
  await portal.picture(`directory-${info.project.name}`);
  await isAccessible(page, 'the directory with contacts');
  await otto.getByTestId('contact-delete').click();
  await expect(contacts).toHaveCount(1);
  await page.getByTestId('toast-undo').click();
  await expect(contacts).toHaveCount(2);

  await page.getByTestId('directory-search').fill('studio');
  await expect(contacts).toHaveCount(1);
  await contacts.getByTestId('person-call').click();
  await portal.isIn('connected');
  await expect(page.getByTestId('call-party')).toHaveText('Nadia Neri');
  await expect(portal.farLeg).toContainText(grouped(ROME));
  await portal.hangUp();
  await portal.isOver();
  await portal.goTo('phone');
  await expect(portal.logRows.first()).toContainText('Nadia Neri');

  // The dial field knows people too, by keyboard alone.
  await portal.dismissToasts();
  await portal.dialInput.fill('nad');
  await expect(page.getByTestId('dial-suggestion')).toHaveCount(1);
  await portal.dialInput.press('ArrowDown');
  await expect(page.getByTestId('dial-suggestion')).toHaveAttribute('aria-selected', 'true');
  await portal.picture(`directory-dial-${info.project.name}`);
  await portal.dialInput.press('Enter');
  await portal.isIn('connected');
  await expect(page.getByTestId('call-party')).toHaveText('Nadia Neri');
  await portal.hangUp();
  await portal.isOver();

  await portal.goTo('directory');
  for (const name of ['Nadia', 'Otto']) {
    const row = contacts.filter({ hasText: name });
    await row.getByTestId('contact-open').click();
    await row.getByTestId('contact-delete').click();
    await expect(row).toHaveCount(0);
  }
});

test('t12 a colleague’s presence and line are live in the directory, and the ringing call is picked up', async ({
  portal,
  carrier,
  browser,
  stack,
}) => {
  const { page } = portal;
  await carrier.answers(HOME, HOME_HZ);
  await portal.telecommuteAt(HOME, 'off');
  await portal.goTo('directory');
  const marco = page.getByTestId('colleague').filter({ hasText: 'Marco Rossi' });
  await expect(marco).toHaveAttribute('data-line', 'not_connected');

  await stack.gateway('user', 'destination', 'add', 'marco', '--label', 'Rome', '--number', ROME);
  const context = await browser.newContext({ baseURL: stack.url });
  const other = new Portal(await context.newPage());
  await other.page.goto('/');
  await other.signIn(stack.person('marco'));
  await other.isConnected(30_000);
  await other.page.getByTestId('presence').click();
  await other.page.getByTestId('presence-away').click();
  await expect(marco).toHaveAttribute('data-presence', 'away');
  await carrier.set(ROME, { kind: 'ring_out' });
  await other.telecommuteAt(ROME, 'off');
  await expect(marco).toHaveAttribute('data-line', 'free');

  await carrier.places({ from: CALLER, to: MARCO_DID, telephone: { tone_hz: CALLER_HZ } });
  await expect(marco).toHaveAttribute('data-line', 'ringing');
  await portal.picture('directory-ringing');
  await marco.getByTestId('person-pick-up').click();
  await portal.isIn('connected');
  await expect(marco).toHaveAttribute('data-line', 'free');
  await portal.hangUp();
  await portal.isOver();
  await other.page.getByTestId('presence').click();
  await other.page.getByTestId('presence-available').click();
  await other.page.keyboard.press('Escape');
  await other.leaves();
  await context.close();
});

test('a long list of contacts is turned page by page, and searched as a whole', { tag: '@mobile' }, async ({
  browser,
  stack,
}, info) => {
  const context = await browser.newContext({ baseURL: stack.url });
  const portal = new Portal(await context.newPage());
  const { page } = portal;
  await page.goto('/');
  await portal.signIn(stack.person('marco'));
  await portal.isConnected(30_000);
  await portal.goTo('directory');
  const many = Array.from({ length: 120 }, (_, n) => {
    const number = String(n).padStart(3, '0');
    return `BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Person ${number}\r\nTEL;TYPE=cell:+39 333 7000${number}\r\nEND:VCARD\r\n`;
  });
  await page.getByTestId('contact-files').locator('summary').click();
  await page.getByTestId('contact-file').setInputFiles({
    name: 'many.vcf',
    mimeType: 'text/vcard',
    buffer: Buffer.from(many.join('')),
  });
  await page.getByTestId('import-add').click();
  const contacts = page.getByTestId('contact');
  const range = page.getByTestId('contacts-range');
  await expect(range).toHaveText('1–50 of 120');
  await expect(contacts).toHaveCount(50);

  // The buttons above keep the keyboard, and the one at the end stays where it is.
  const next = page.getByTestId('contacts-next');
  await next.focus();
  await page.keyboard.press('Enter');
  await expect(range).toHaveText('51–100 of 120');
  await page.keyboard.press('Enter');
  await expect(range).toHaveText('101–120 of 120');
  await expect(contacts).toHaveCount(20);
  await expect(next).toBeFocused();
  await expect(next).toHaveAttribute('aria-disabled', 'true');
  await page.keyboard.press('Enter');
  await expect(contacts.first()).toContainText('Person 100');
  await isAccessible(page, 'a page of the directory');

  // The one below takes the reader to the beginning of what it brought.
  await page.getByTestId('contacts-first').click();
  await page.getByTestId('contacts-more').click();
  await expect(range).toHaveText('51–100 of 120');
  await expect(page.locator('#contacts-list')).toBeFocused();
  await expect(contacts.first()).toBeInViewport();
  await portal.picture(`directory-pages-${info.project.name}`);
  await page.keyboard.press('Tab');
  await expect(contacts.first().getByTestId('contact-star')).toBeFocused();

  await page.getByTestId('directory-search').fill('person 003');
  await expect(contacts).toHaveCount(1);
  await expect(contacts).toContainText('Person 003');
  await expect(range).toHaveCount(0);
  await page.getByTestId('directory-search').fill('');
  await expect(range).toHaveText('1–50 of 120');
  await context.close();
});
