import { standsLooks } from '../support/looks.ts';
import { HOME, HOME_HZ, LONDON, ROME, ROME_HZ } from '../support/numbers.ts';
import { grouped } from '../support/portal.ts';
import { Slapd, type Person } from '../support/slapd.ts';
import { expect, test } from '../support/test.ts';

const OTTO = '+390698765407';
const OTTO_HZ = 770;
const PEOPLE: Person[] = [
  { cn: 'Nadia Neri', sn: 'Neri', o: 'Studio Neri', telephoneNumber: '06 98.76.54.01', mail: 'nadia@example.com' },
  { cn: 'Otto Verdi', sn: 'Verdi', telephoneNumber: OTTO, mobile: LONDON },
];

test('t07 a directory elsewhere is set up and tried, people of it are found, dialled and named, and its loss is told', {
  tag: '@mobile',
}, async ({ portal, carrier }) => {
  test.slow();
  const { page } = portal;
  const told: string[] = [];
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => told.push(payload.toString())));
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await carrier.answers(OTTO, OTTO_HZ);
  await portal.telecommuteAt(HOME, 'off');
  const slapd = await Slapd.start(PEOPLE);
  try {
    // The administrator enters the server, and tries it.
    await page.goto('/admin/#site');
    await portal.isConnected();
    const form = page.getByTestId('directory-form');
    await form.getByTestId('field-url').fill('ldap.example.com');
    await form.getByTestId('field-base_dn').fill(Slapd.base);
    await form.getByTestId('field-bind_dn').fill(Slapd.user);
    await form.getByTestId('field-password').fill(Slapd.password);
    await form.getByTestId('field-name').fill('Clients');
    await form.getByTestId('directory-save').click();
    await expect(form.locator('#field-url-error'), 'no address of such a server').not.toBeEmpty();
    await form.getByTestId('field-url').fill(slapd.url);
    await form.getByTestId('directory-save').click();
    const trial = page.getByTestId('directory-trial');
    await trial.getByTestId('field-find').fill('neri');
    await trial.getByTestId('directory-try').click();
    const person = trial.getByTestId('directory-person');
    await expect(person).toContainText('Nadia Neri');
    await expect(person, 'the number was read as one of the network').toContainText(grouped(ROME));
    await expect(form.getByTestId('field-password')).toHaveValue('');
    await trial.scrollIntoViewIfNeeded();
    await standsLooks(page, 'external-administration');
    await page.reload();
    await expect(form.getByTestId('field-url')).toHaveValue(slapd.url);
    await expect(form.getByTestId('field-password'), 'nobody sees it again').toHaveValue('');
    await form.getByTestId('field-limit').fill('20');
    await form.getByTestId('directory-save').click();
    await expect(trial, 'it was kept, and is used on').toBeVisible();

    // A user finds somebody, and calls.
    await page.goto('/directory');
    await portal.isConnected();
    await expect(page.getByTestId('external-title')).toHaveText('Clients');
    const search = page.getByTestId('directory-search');
    const people = page.getByTestId('external-person');
    await search.fill('ner');
    await expect(people).toHaveCount(1);
    await people.getByTestId('external-open').click();
    await expect(people.getByTestId('external-mail')).toHaveText('nadia@example.com');
    await standsLooks(page, 'external-directory');
    await people.getByTestId('person-call').first().click();
    await portal.isIn('connected');
    await expect(page.getByTestId('call-party')).toHaveText('Nadia Neri');
    await expect(portal.farLeg).toContainText(grouped(ROME));
    await portal.hangUp();
    await portal.isOver();

    // The palette finds as well, below what it knows itself.
    await portal.dismissToasts();
    const field = page.getByTestId('palette-input');
    const offers = page.getByTestId('palette-offer');
    const outside = page.getByTestId('palette-outside');
    await page.keyboard.press('Control+k');
    await field.fill('otto');
    await expect(outside).toContainText('Clients');
    await expect(outside.getByTestId('palette-offer')).toHaveCount(2);
    await expect(offers.first()).toHaveAttribute('aria-selected', 'true');
    await standsLooks(page, 'external-palette');
    await page.keyboard.press('Enter');
    await portal.isIn('connected');
    await expect(page.getByTestId('call-party')).toHaveText('Otto Verdi');
    await carrier.hears(OTTO, HOME_HZ);
    await portal.hangUp();
    await portal.isOver();

    // It is away: that is said, and everything else goes on.
    await slapd.kill();
    await portal.goTo('directory');
    await search.fill('marco');
    const failed = page.getByTestId('external-failed');
    await expect(failed).toContainText('cannot be reached');
    await expect(page.getByTestId('colleague')).toContainText('Marco Rossi');
    await standsLooks(page, 'external-away');
    await page.keyboard.press('Control+k');
    await field.fill('marco');
    await expect(offers.first()).toContainText('Marco Rossi');
    await expect(page.getByTestId('palette-outside-said')).toContainText('cannot be reached');
    await expect(offers.first(), 'it can be chosen').toHaveAttribute('aria-selected', 'true');
    await page.keyboard.press('Escape');
    await search.fill('otto');
    await expect(failed).toBeVisible();
    await slapd.serve();
    await page.getByTestId('external-again').click();
    await expect(people).toContainText('Otto Verdi');
    await expect(failed).toHaveCount(0);

    await page.goto('/admin/#site');
    await page.getByTestId('directory-remove').click();
    await expect(trial).toHaveCount(0);
    await page.goto('/directory');
    await portal.isConnected();
    await expect(page.getByTestId('external-title')).toHaveCount(0);
    const frames = told.filter((frame) => frame.includes('Clients'));
    expect(frames.length, 'the pages were told of the directory').toBeGreaterThan(0);
    expect(told.filter((frame) => frame.includes(Slapd.password)), 'its password is told to no page').toEqual([]);
  } finally {
    await slapd.close();
  }
});
