import path from 'node:path';
import { HOME, HOME_HZ, LONDON, LONDON_HZ, MOBILE, MOBILE_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { seconds } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

const IMAGES = path.resolve(import.meta.dirname, '../../docs/images');

test('the pictures of the README', { tag: '@mobile' }, async ({ portal, carrier }, { project }) => {
  const { page } = portal;
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(LONDON, LONDON_HZ);
  await carrier.answers(MOBILE, MOBILE_HZ);
  await carrier.set(ROME, { kind: 'busy' });
  await page.getByTestId('saved-destination').filter({ hasText: 'Home' }).getByRole('radio').check();
  await page.getByTestId('destination-enter').click();
  await expect(page.getByTestId('current-destination')).toContainText('Home');

  await portal.dial(MOBILE);
  await portal.isIn('connected');
  await expect.poll(async () => seconds(await portal.duration.innerText())).toBeGreaterThanOrEqual(7);
  await portal.hangUp();
  await portal.isOver();
  await portal.dial(ROME);
  await portal.isIn('far_failed');
  await portal.hangUp();
  await portal.isOver();
  await carrier.answers(ROME, ROME_HZ);
  await portal.dial(LONDON);
  await portal.isIn('connected');
  await portal.dismissToasts();
  await expect.poll(async () => seconds(await portal.duration.innerText())).toBeGreaterThanOrEqual(7);
  await page.screenshot({
    path: path.join(IMAGES, `portal-${project.name}.png`),
    animations: 'disabled',
    scale: 'css',
  });
});
