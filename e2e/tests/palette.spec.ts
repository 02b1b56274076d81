import { isAccessible } from '../support/looks.ts';
import { HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';

test('t08 a whole call by keyboard out of the palette: dialled, muted, held, taken up again, ended', async ({
  portal,
  carrier,
}) => {
  test.slow();
  const { page } = portal;
  const field = page.getByTestId('palette-input');
  const offers = page.getByTestId('palette-offer');
  const choose = async (typed: string) => {
    await page.keyboard.press('Control+k');
    await expect(field).toBeFocused();
    await page.keyboard.type(typed);
    await expect(offers.first()).toHaveAttribute('aria-selected', 'true');
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('palette')).toBeHidden();
  };
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);

  await page.keyboard.press('Control+k');
  await expect(offers.first()).toBeVisible();
  await isAccessible(page, 'the palette');
  await page.keyboard.press('ArrowDown');
  await expect(field).toHaveAttribute('aria-activedescendant', 'palette-1');
  await portal.picture(`${test.info().project.name}-palette`);
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('palette')).toBeHidden();

  await choose('settings');
  await expect(page).toHaveURL(/\/settings$/);
  await choose(ROME);
  await portal.isIn('connected');
  await carrier.hears(ROME, HOME_HZ);
  await choose('mute me');
  await expect(page.getByTestId('call-muted')).not.toBeEmpty();
  await carrier.hearsNot(ROME, HOME_HZ);
  await carrier.hears(HOME, ROME_HZ);
  await choose('unmute');
  await carrier.hears(ROME, HOME_HZ);
  await choose('hold');
  await portal.isIn('held');
  await choose('return');
  await portal.isIn('connected');
  await choose('hang');
  await portal.isOver();
  await carrier.isQuiet();
});
