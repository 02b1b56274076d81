import { spokenDigits } from '../support/digits.ts';
import { HOME, ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';
import type { Carrier } from '../support/carrier.ts';
import type { Portal } from '../support/portal.ts';

/** A telephone that is nobody's yet. */
const NEW = '+390698765420';
const NEW_HZ = 845;

test('t02 a new number is usable only after a call has spoken a code that the user typed', {
  tag: '@mobile',
}, async ({ portal, carrier }) => {
  test.slow();
  const { page } = portal;
  await carrier.answers(NEW, NEW_HZ, { record: true });
  await carrier.answers(ROME, ROME_HZ);
  await enterUnproven(portal, NEW);
  expect(await carrier.calls(), 'nothing rings for a number that is not proven').toHaveLength(0);
  await page.getByTestId('destination-save-label').fill('Cabin');
  await page.getByTestId('destination-save').click();
  const saved = page.getByTestId('saved-destination').filter({ hasText: 'Cabin' });
  await page.getByTestId('verify-call').click();
  const code = await codeSpokenAt(carrier, NEW);
  await portal.picture(`${test.info().project.name}-verify`);
  await page.getByTestId('verify-code').fill(code === '000000' ? '000001' : '000000');
  await page.getByTestId('verify-confirm').click();
  await expect(page.getByTestId('verify-error')).toContainText('4');
  await page.getByTestId('verify-code').fill(code);
  await page.getByTestId('verify-confirm').click();
  await expect(page.getByTestId('current-destination')).toContainText('Cabin');
  await carrier.isQuiet();
  await portal.dial(ROME);
  await portal.isIn('connected');
  await carrier.hears(NEW, ROME_HZ);
  await portal.hangUp();
  await portal.isOver();
  await portal.telecommuteAt(HOME);
  await page.getByTestId('destination-change').click();
  await saved.getByTestId('destination-delete').click();
  await expect(saved).toHaveCount(0);
});

/** Tries to enter with a number that nobody has proven. */
async function enterUnproven(portal: Portal, number: string): Promise<void> {
  const { page } = portal;
  await expect(portal.mode).toHaveAttribute('data-mode', /office|telecommuting/);
  if ((await portal.mode.getAttribute('data-mode')) === 'telecommuting') {
    await page.getByTestId('destination-change').click();
  }
  await page.getByTestId('destination-number').fill(number);
  await page.getByTestId('destination-enter').click();
  await expect(page.getByTestId('destination-unproven')).toBeVisible();
}

/** What the telephone heard as six digits. */
async function codeSpokenAt(carrier: Carrier, number: string): Promise<string> {
  await carrier.reaches(number, 'confirmed');
  let code = '';
  await expect(async () => {
    code = spokenDigits(await carrier.sound(await carrier.lastCallTo(number))).slice(0, 6);
    expect(code).toMatch(/^\d{6}$/);
  }).toPass({ timeout: 40_000, intervals: [2_000] });
  return code;
}
