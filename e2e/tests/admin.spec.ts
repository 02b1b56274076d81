import type { Page } from '@playwright/test';
import { HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { standsLooks } from '../support/looks.ts';
import { grouped, Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

/** Opens one of the administrator's pages by its link. */
async function goTo(page: Page, name: string): Promise<void> {
  await page.getByTestId(`nav-${name}`).click();
  await expect(page.locator('h1')).toBeFocused();
}

const rowOf = (page: Page, user: string) => page.locator(`[data-testid="user-row"][data-user="${user}"]`);

test('an administrator makes a user, invites, changes a right, and the audit log tells of it', async ({
  portal,
  browser,
  stack,
}) => {
  const { page } = portal;
  await portal.goTo('settings');
  await page.getByTestId('settings-admin').click();
  await expect(page).toHaveURL(/\/admin\/$/);
  await portal.isConnected();
  await expect(rowOf(page, 'anna')).toContainText('201');
  await expect(rowOf(page, 'marco')).toContainText('202');

  await page.getByTestId('user-new').click();
  const editor = page.getByTestId('user-editor');
  await editor.getByTestId('field-display_name').fill('Dora Neri');
  await editor.getByTestId('field-user').fill('dora');
  await editor.getByTestId('field-extension').fill('201');
  await editor.getByTestId('field-caller_id').fill('+39 02 1234 5201');
  await editor.getByTestId('user-save').click();
  await expect(editor.locator('#field-extension-error'), 'the extension is Anna’s').toContainText('In use already');
  await editor.getByTestId('field-extension').fill('204');
  await editor.getByTestId('user-save').click();

  const link = await page.getByTestId('secret-value').inputValue();
  expect(link).toContain(stack.url);
  await page.getByTestId('secret-close').click();
  await expect(page.getByTestId('secret')).toHaveCount(0);
  await expect(rowOf(page, 'dora')).toContainText('204');

  const context = await browser.newContext({ baseURL: stack.url });
  const guest = new Portal(await context.newPage());
  await expect(async () => {
    await guest.page.goto('about:blank');
    await guest.page.goto(link);
    await expect(guest.page.getByTestId('invite-password')).toBeVisible({ timeout: 3_000 });
  }).toPass();
  await guest.page.getByTestId('invite-password').fill('a bridge over the river');
  await guest.page.getByTestId('invite-password-again').fill('a bridge over the river');
  await guest.page.getByTestId('invite-submit').click();
  await guest.isConnected();
  await expect(guest.page.getByTestId('destination-enter'), 'a new user has no right to it').toHaveCount(0);

  await rowOf(page, 'dora').getByTestId('user-edit').click();
  await editor.getByTestId('field-telecommuter').check();
  await editor.getByTestId('user-save').click();
  await expect(editor).toHaveCount(0);
  await expect(rowOf(page, 'dora')).toContainText('Telecommuting');
  await expect(guest.page.getByTestId('destination-enter'), 'the right is there at once').toBeVisible();

  await rowOf(page, 'dora').getByTestId('user-reach').click();
  const reach = page.getByTestId('user-reach').and(page.locator('dialog'));
  await expect(reach.getByTestId('pin-state')).toContainText('There is no PIN');
  await reach.getByTestId('pin-new').click();
  expect(await page.getByTestId('secret-value').inputValue()).toMatch(/^\d{6}$/);
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('secret')).toHaveCount(0);
  await expect(reach.getByTestId('pin-state')).toContainText('There is a PIN');
  await expect(reach.getByTestId('pin-new'), 'the keyboard goes on where it was').toBeFocused();
  await reach.getByTestId('field-label').fill('Home');
  await reach.getByTestId('field-number').fill('+39 02 1234 5202');
  await reach.getByTestId('reach-add').click();
  await expect(reach.locator('#field-number-error'), 'a number of the site').toContainText('restrictions forbid');
  await reach.getByTestId('field-number').fill(HOME);
  await reach.getByTestId('reach-add').click();
  await expect(reach.getByTestId('reach-row')).toContainText(grouped(HOME));
  await expect(guest.page.locator('label', { hasText: 'Home' })).toBeVisible();
  await reach.getByTestId('reach-close').click();
  await expect(reach).toHaveCount(0);

  await goTo(page, 'site');
  await page.getByTestId('field-no_answer_ms').fill('4');
  await page.getByTestId('site-save').click();
  await expect(page.locator('#field-no_answer_ms-error')).toContainText('Outside what is allowed');
  await page.getByTestId('field-no_answer_ms').fill('24');
  await page.getByTestId('site-save').click();
  await expect.poll(() => stack.gateway('site', 'show')).toMatch(/\b24\b/);
  await goTo(page, 'audit');
  await expect(page.getByTestId('audit-row').first()).toContainText('Ringing time');
  await stack.gateway('site', 'reset');

  await goTo(page, 'users');
  await rowOf(page, 'dora').getByTestId('user-edit').click();
  await editor.getByTestId('field-confirm').selectOption('on');
  await editor.getByTestId('user-save').click();
  await expect(editor).toHaveCount(0);
  await goTo(page, 'audit');
  const newest = page.getByTestId('audit-row').first();
  await expect(newest).toContainText('dora');
  await expect(newest).toContainText('Anna Bianchi');
  await expect(newest).toContainText('Confirmation by key');
  await expect(page.getByTestId('audit-row').filter({ hasText: 'Telecommuting' }).first()).toContainText('dora');

  await page.goto('/admin/#users');
  await rowOf(page, 'dora').getByTestId('user-remove').click();
  await page.getByTestId('confirm-yes').click();
  await expect(rowOf(page, 'dora')).toHaveCount(0);
  await context.close();
  expect(await stack.gateway('user', 'list')).not.toContain('dora');
});

test('an administrator sees trunks and who works elsewhere as they are, and which rule decides', async ({
  portal,
  carrier,
  context,
  stack,
}) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  const page = await context.newPage();
  await page.goto('/admin/#now');
  await new Portal(page).isConnected();
  const trunks = page.getByTestId('trunk-row');
  await expect(trunks).toHaveCount(2);
  const busy = trunks.filter({ hasText: /\b[12] (of \d+ )?lines in use/ });
  await expect(busy).toHaveCount(0);
  await goTo(page, 'codes');
  await page.getByTestId('code-new').click();
  await page.getByTestId('field-code').fill('10 42');
  await page.getByTestId('field-name').fill('Rossi v. Bianchi');
  await page.getByTestId('code-save').click();
  await expect(page.locator('#field-code-error')).not.toBeEmpty();
  await page.getByTestId('field-code').fill('1042');
  await page.getByTestId('code-save').click();
  await expect(page.getByTestId('code-row')).toContainText('Rossi v. Bianchi');
  await goTo(page, 'site');
  await page.getByTestId('field-account_codes').selectOption('required');
  await page.getByTestId('site-save').click();
  await portal.telecommuteAt(HOME);
  const code = portal.page.getByTestId('account-input');
  await expect(code).toBeVisible();
  await portal.dial(ROME);
  await expect(portal.page.getByTestId('account-error')).toContainText('need an account code');
  await code.fill('ross');
  await expect(portal.page.getByTestId('account-option')).toContainText('1042');
  await code.press('ArrowDown');
  await code.press('Enter');
  await expect(code).toHaveValue('1042');
  await portal.dial(ROME);
  await portal.isIn('connected');
  await expect(portal.page.getByTestId('account-booked')).toHaveText('1042 · Rossi v. Bianchi');
  await stack.gateway('account-code', 'set', '2001', '--name', 'Verdi');
  await portal.page.getByTestId('account-set').click();
  const other = portal.card.getByTestId('account-input');
  await expect(other).toBeFocused();
  await other.fill('2001');
  await expect(async () => {
    await other.press('Enter');
    await expect(portal.page.getByTestId('account-booked')).toHaveText('2001 · Verdi', { timeout: 1_000 });
  }).toPass();
  await goTo(page, 'now');
  await expect(busy.first(), 'a call is seen without loading anew').toHaveAttribute('data-up', 'true');
  await expect(page.getByTestId('away-row').filter({ hasText: 'Anna Bianchi' })).toContainText('On a call');
  await portal.hangUp();
  await portal.isOver();
  const row = portal.logRows.first();
  await expect(row).toContainText('2001 · Verdi');
  await row.locator('.log-open').click();
  await row.getByTestId('account-set').click();
  await row.getByTestId('account-input').fill('1042');
  await row.getByTestId('account-save').click();
  await expect(row).toContainText('1042 · Rossi v. Bianchi');
  await portal.page.getByTestId('toast-undo').click();
  await expect(row, 'it can be taken back').toContainText('2001 · Verdi');
  await stack.gateway('site', 'reset');
  for (const one of ['1042', '2001']) await stack.gateway('account-code', 'remove', one);
  await expect(code).toHaveCount(0);
  await expect(busy).toHaveCount(0);
  await portal.leaves();
  await expect(page.getByTestId('away-row').filter({ hasText: 'Anna Bianchi' })).toHaveCount(0);

  await goTo(page, 'numbers');
  await expect(page.getByTestId('number-row').filter({ hasText: grouped('+390212345201') })).toContainText('Anna Bianchi');
  await goTo(page, 'telephones');
  await expect(page.getByTestId('telephone-row').filter({ hasText: 'anna-desk' })).toBeVisible();
  await goTo(page, 'restrictions');
  await page.getByTestId('explain-user').selectOption('anna');
  await page.getByTestId('explain-number').fill('06 9876 5401');
  await page.getByTestId('explain-check').click();
  await expect(page.getByTestId('explain-verdict')).toContainText('Allowed.');
});

test('an administrator previews a list of users with a mistake on line 3, and nothing is changed', async ({
  portal,
  stack,
}) => {
  const { page } = portal;
  await page.goto('/admin/#import');
  await portal.isConnected();
  const list = (extension: string) => ({
    name: 'users.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(
      'user,display_name,extension,caller_id\n' +
        'elsa,Elsa Blu,205,+390212345201\n' +
        `fabio,Fabio Gialli,${extension},+390212345202\n`,
    ),
  });
  await page.getByTestId('import-file').setInputFiles(list('two'));
  const lines = page.getByTestId('import-line');
  await expect(lines).toHaveCount(2);
  await expect(lines.nth(0)).toHaveAttribute('data-good', 'true');
  await expect(lines.nth(1)).toHaveAttribute('data-good', 'false');
  await expect(lines.nth(1)).toContainText('Line 3');
  await expect(lines.nth(1)).toContainText('Extension');
  await expect(page.getByTestId('import-go')).toHaveCount(0);
  await portal.picture('admin-import');
  expect(await stack.gateway('user', 'list')).not.toContain('elsa');

  // What only the gateway knows is in the preview, too.
  await page.getByTestId('import-file').setInputFiles(list('201'));
  await expect(lines.nth(1)).toContainText('In use already');
  expect(await stack.gateway('user', 'list')).not.toContain('elsa');

  await page.getByTestId('import-file').setInputFiles(list('206'));
  await page.getByTestId('import-go').click();
  await expect(page.getByTestId('import-said')).toContainText('2 users were imported');
  expect(await stack.gateway('user', 'list')).toContain('fabio');
  for (const user of ['elsa', 'fabio']) await stack.gateway('user', 'remove', user);
});

test('who is no administrator is offered no administration, and is told so at its address', async ({ page, stack }) => {
  const portal = new Portal(page);
  await page.goto('/');
  await portal.signIn(stack.person('marco'));
  await portal.isConnected();
  await expect(page.getByTestId('nav-admin')).toHaveCount(0);
  await page.goto('/settings');
  await portal.isConnected();
  await expect(page.getByTestId('settings-admin')).toHaveCount(0);
  await page.goto('/admin/');
  await portal.isConnected();
  await expect(page.getByTestId('not-administrator')).toBeVisible();
  await expect(page.getByTestId('user-row')).toHaveCount(0);
});

test('an administrator’s pages fit every window, light and dark, with no accessibility finding', {
  tag: '@mobile',
}, async ({ portal }) => {
  const { page } = portal;
  for (const name of ['users', 'numbers', 'telephones', 'restrictions', 'codes', 'site', 'now', 'audit', 'import']) {
    await page.goto(`/admin/#${name}`);
    await portal.isConnected();
    await expect(page.getByTestId(`nav-${name}`)).toHaveAttribute('aria-current', 'page');
    await expect(page.getByTestId(`nav-${name}`), 'also where not all have room').toBeInViewport({ ratio: 1 });
    await expect(page.locator('.empty', { hasText: 'Loading' })).toHaveCount(0);
    await standsLooks(page, `admin-${name}`);
  }
});
