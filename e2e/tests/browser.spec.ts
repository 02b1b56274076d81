import {
  VOICE_HZ,
  listenAt,
  microphoneArgs,
  pageHears,
  pageIsSilent,
} from '../support/browser-telephone.ts';
import { ANNA_DID, CALLER, CALLER_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';
import type { Portal } from '../support/portal.ts';

test.use({
  launchOptions: [
    async ({ launchOptions }, use) => {
      await use({ ...launchOptions, args: [...(launchOptions.args ?? []), ...microphoneArgs()] });
    },
    { scope: 'worker' },
  ],
});

test.beforeEach(({ page }) => listenAt(page));

test('t02 t04 a call dialled with this browser as the telephone is heard both ways', async ({ portal, carrier }) => {
  await carrier.answers(ROME, ROME_HZ);
  await takesCallsHere(portal);
  await portal.dial(ROME);
  await portal.isIn('connected', 20_000);
  await Promise.all([carrier.hears(ROME, VOICE_HZ), pageHears(portal.page, ROME_HZ)]);
  await portal.hangUp();
  await portal.isOver();
  await pageIsSilent(portal.page);
  await carrier.isQuiet();
});

test('t06 a call from outside rings in the tab, and is heard both ways once it is answered there', async ({
  portal,
  carrier,
}) => {
  await takesCallsHere(portal);
  await carrier.places({ from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } });
  await portal.isIn('ringing');
  const early = await carrier.reaches(CALLER, 'ringing');
  expect(early.answered_at, 'the caller hears ringing until the user answers').toBeNull();
  await portal.page.getByTestId('browser-answer').click();
  await portal.isIn('connected', 20_000);
  await Promise.all([carrier.hears(CALLER, VOICE_HZ), pageHears(portal.page, CALLER_HZ)]);
  await carrier.hangUp(await carrier.lastCallTo(CALLER));
  await portal.isOver();
  await pageIsSilent(portal.page);
});

/** Makes this tab the telephone that rings. */
async function takesCallsHere(portal: Portal): Promise<void> {
  const { mode, page } = portal;
  await expect(mode).toHaveAttribute('data-mode', /office|telecommuting/);
  if ((await mode.getAttribute('data-mode')) === 'telecommuting') {
    await page.getByTestId('destination-change').click();
  }
  await page.getByTestId('destination-browser').check();
  await page.getByTestId('destination-enter').click();
  await expect(mode).toHaveAttribute('data-mode', 'telecommuting');
  await expect(page.getByTestId('browser-place')).toHaveAttribute('data-place', 'here');
}
