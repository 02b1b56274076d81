import { VOICE_HZ, listenAt, withMicrophone } from '../support/browser-telephone.ts';
import { ANNA_DID, CALLER, HOME, HOME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';
import { toneWav } from '../support/wav.ts';

const FILE_HZ = 1510;

test.use(withMicrophone);

test.beforeEach(({ page }) => listenAt(page));

test('t09 a greeting is recorded in the browser, heard by a caller, replaced by a file, removed and brought back', async ({
  portal,
  carrier,
}) => {
  test.slow();
  const { page } = portal;
  // Nowhere to be reached: callers are given to voicemail.
  await carrier.answers(HOME, HOME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.leaves();
  await portal.goTo('settings');
  const greeting = page.getByTestId('own-greeting');
  await expect(greeting).toHaveAttribute('data-length', '0');

  await greeting.getByTestId('own-record').click();
  await expect(greeting.getByRole('timer')).toHaveText('0:04', { timeout: 20_000 });
  await greeting.getByTestId('own-stop').click();
  await expect(greeting.getByTestId('own-draft')).toBeVisible();
  await greeting.getByTestId('own-save').click();
  await expect(greeting).toHaveAttribute('data-length', /^[345]\d{3}$/);
  await callerHears(VOICE_HZ);
  await carrier.reset();

  await greeting.getByTestId('own-file').setInputFiles({
    name: 'greeting.wav',
    mimeType: 'audio/wav',
    buffer: toneWav(FILE_HZ, 3),
  });
  await greeting.getByTestId('own-save').click();
  await expect(greeting).toHaveAttribute('data-length', /^(2999|3\d{3})$/);
  await callerHears(FILE_HZ);
  await carrier.reset();
  // What is listened to in the portal is what callers hear.
  const length = await greeting
    .getByTestId('own-listen')
    .evaluate((audio: HTMLAudioElement) => audio.play().then(() => audio.duration));
  expect(length).toBeCloseTo(3, 1);

  await portal.dismissToasts();
  await greeting.getByTestId('own-remove').click();
  await expect(greeting).toHaveAttribute('data-length', '0');
  await page.getByTestId('toast-undo').click();
  await expect(greeting).toHaveAttribute('data-length', /^(2999|3\d{3})$/);
  await greeting.getByTestId('own-file').setInputFiles({
    name: 'letter.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('no sound'),
  });
  await expect(greeting.getByTestId('own-error')).not.toBeEmpty();
  // Other tests hear the default one.
  await greeting.getByTestId('own-remove').click();
  await expect(greeting).toHaveAttribute('data-length', '0');
  await portal.goTo('phone');

  async function callerHears(hz: number): Promise<void> {
    await carrier.places({ from: CALLER, to: ANNA_DID });
    await carrier.hears(CALLER, hz, 1_500);
  }
});
