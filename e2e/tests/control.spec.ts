import type { Locator } from '@playwright/test';
import { HOME, HOME_HZ, LONDON, LONDON_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { grouped, type Phase, type Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';
import type { Carrier } from '../support/carrier.ts';

test('t08 a call is held and taken up again: who is held hears nobody', { tag: '@mobile' }, async ({
  portal,
  carrier,
}) => {
  await inCallWithRome(portal, carrier);
  await portal.page.getByTestId('call-hold').click();
  await portal.isIn('held');
  await carrier.hearsNot(ROME, HOME_HZ);
  await carrier.hearsNot(HOME, ROME_HZ);
  await portal.picture(`${test.info().project.name}-held`);
  await portal.page.getByTestId('call-return').click();
  await portal.isIn('connected');
  await bothHear(carrier, [HOME, HOME_HZ], [ROME, ROME_HZ]);
  await portal.hangUp();
  await portal.isOver();
});

test('t08 a second number is dialled on the same telephone, the two are swapped, and speak in a conference', async ({
  portal,
  carrier,
}) => {
  test.slow();
  const { page } = portal;
  await inCallWithRome(portal, carrier);
  await carrier.answers(LONDON, LONDON_HZ);
  await portal.dial(LONDON);
  const [rome, london] = [portal.cardOf(ROME), portal.cardOf(LONDON)];
  await isIn(london, 'connected');
  await isIn(rome, 'held');
  await bothHear(carrier, [HOME, HOME_HZ], [LONDON, LONDON_HZ]);
  await carrier.hearsNot(ROME, HOME_HZ);
  expect(await carrier.callsTo(HOME), 'one leg is enough').toHaveLength(1);
  await portal.picture(`${test.info().project.name}-two-calls`);

  await rome.getByTestId('call-return').click();
  await isIn(rome, 'connected');
  await isIn(london, 'held');
  await bothHear(carrier, [HOME, HOME_HZ], [ROME, ROME_HZ]);

  await rome.getByTestId('call-merge').click();
  await expect(page.getByTestId('member')).toHaveCount(2);
  await Promise.all([
    bothHear(carrier, [HOME, HOME_HZ], [ROME, ROME_HZ]),
    bothHear(carrier, [HOME, HOME_HZ], [LONDON, LONDON_HZ]),
    bothHear(carrier, [ROME, ROME_HZ], [LONDON, LONDON_HZ]),
  ]);
  await portal.picture(`${test.info().project.name}-conference`);
  const muted = page.locator('[data-testid=member][data-muted=true]');
  await page.getByTestId('conference-mute').click();
  await expect(muted).toHaveCount(2);
  await Promise.all([carrier.hearsNot(LONDON, ROME_HZ), carrier.hearsNot(HOME, ROME_HZ), carrier.hearsNot(HOME, LONDON_HZ)]);
  await Promise.all([carrier.hears(ROME, HOME_HZ), carrier.hears(LONDON, HOME_HZ)]);
  await page.getByTestId('conference-mute').click();
  await expect(muted).toHaveCount(0);
  await bothHear(carrier, [ROME, ROME_HZ], [LONDON, LONDON_HZ]);
  const roman = page.getByTestId('member').filter({ hasText: grouped(ROME) });
  await roman.getByTestId('member-mute').click();
  await expect(roman).toHaveAttribute('data-muted', 'true');
  await carrier.hearsNot(LONDON, ROME_HZ);
  await page.getByTestId('conference-end').click();
  await portal.isOver();
  await carrier.isQuiet();
});

test('t08 a call is given to another number, and goes on without the user', async ({ portal, carrier }) => {
  await inCallWithRome(portal, carrier);
  await carrier.answers(LONDON, LONDON_HZ);
  await portal.page.getByTestId('call-give').click();
  await portal.page.getByTestId('give-number').fill(LONDON);
  await portal.picture(`${test.info().project.name}-transfer`);
  await portal.page.getByTestId('give-submit').click();
  await expect(portal.page.locator('[data-testid=call-card][data-phase=transferred]')).toHaveCount(1);
  await expect(portal.card).toHaveCount(1);
  await carrier.reaches(HOME, 'ended');
  await bothHear(carrier, [ROME, ROME_HZ], [LONDON, LONDON_HZ]);
  await carrier.hangUp(await carrier.lastCallTo(ROME));
  await portal.isOver();
  await carrier.isQuiet();
});

test('t08 a call is parked, and fetched again', async ({ portal, carrier }) => {
  await inCallWithRome(portal, carrier);
  await portal.page.getByTestId('call-park').click();
  await expect(portal.page.getByTestId('parked-call')).toContainText(grouped(ROME));
  await carrier.reaches(HOME, 'ended');
  await carrier.hearsNot(ROME, HOME_HZ);
  await portal.picture(`${test.info().project.name}-parked`);
  await portal.page.getByTestId('parked-fetch').click();
  await bothHear(carrier, [HOME, HOME_HZ], [ROME, ROME_HZ]);
  await portal.hangUp();
  await portal.isOver();
});

async function inCallWithRome(portal: Portal, carrier: Carrier): Promise<void> {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.dial(ROME);
  await portal.isIn('connected');
  await bothHear(carrier, [HOME, HOME_HZ], [ROME, ROME_HZ]);
}

type Voice = [number: string, hz: number];

async function bothHear(carrier: Carrier, one: Voice, other: Voice): Promise<void> {
  await Promise.all([carrier.hears(one[0], other[1]), carrier.hears(other[0], one[1])]);
}

async function isIn(card: Locator, phase: Phase): Promise<void> {
  await expect(card).toHaveAttribute('data-phase', phase);
}
