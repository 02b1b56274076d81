import { DeskTelephone } from '../support/baresip.ts';
import { spokenDigits } from '../support/digits.ts';
import { CALLER, CALLER_HZ, LONDON, LONDON_HZ } from '../support/numbers.ts';
import { Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

const NUMBER = '+390212345210';
const PASSWORD = 'over the river and far';
const DESK = { username: 'dario-desk', password: 'ring-darios-desk' };
const DESK_HZ = 955;
const MOBILE = '+393331234599';
const MOBILE_HZ = 805;

test("a newcomer's day: invited, enrols a mobile, works elsewhere, calls, is called, gets a message, leaves", async ({
  page,
  stack,
  carrier,
}) => {
  test.setTimeout(240_000);
  await test.step('the administrator makes user, number and desk telephone, and invites', async () => {
    await stack.gateway(
      ...['user', 'add', 'dario', '--display-name', 'Dario Neri', '--extension', '210'],
      ...['--caller-id', NUMBER, '--telecommuter', 'on', '--voicemail', 'on'],
    );
    await stack.gateway('did', 'add', NUMBER, '--extension', '210');
    await stack.gatewayWith(DESK.password, 'device', 'add', DESK.username, '--owner', 'dario', '--password-stdin');
  });
  const link = (await stack.gateway('user', 'invite', 'dario')).match(/https?:\S+/)?.[0] ?? '';
  const portal = new Portal(page);
  const desk = await DeskTelephone.register(DESK, stack.ready.sip, DESK_HZ);
  try {
    await test.step('he sets a password and is in', async () => {
      await expect(async () => {
        await page.goto('about:blank');
        await page.goto(link);
        await expect(page.getByTestId('invite-password')).toBeVisible({ timeout: 3_000 });
      }).toPass();
      await page.getByTestId('invite-password').fill(PASSWORD);
      await page.getByTestId('invite-password-again').fill(PASSWORD);
      await page.getByTestId('invite-submit').click();
      await portal.isConnected();
    });

    await test.step('at the office his desk telephone rings', async () => {
      await carrier.places({ from: CALLER, to: NUMBER, telephone: { tone_hz: CALLER_HZ } });
      await desk.rings();
      await desk.accept();
      await carrier.hears(CALLER, DESK_HZ);
      await desk.hangUp();
      await carrier.isQuiet();
    });

    await test.step('he proves that a mobile is his', async () => {
      await carrier.answers(MOBILE, MOBILE_HZ, { record: true });
      await page.getByTestId('destination-number').fill(MOBILE);
      await page.getByTestId('destination-enter').click();
      await page.getByTestId('destination-save-label').fill('My mobile');
      await page.getByTestId('destination-save').click();
      await page.getByTestId('verify-call').click();
      await carrier.reaches(MOBILE, 'confirmed');
      await expect(async () => {
        const code = spokenDigits(await carrier.sound(await carrier.lastCallTo(MOBILE))).slice(0, 6);
        expect(code).toMatch(/^\d{6}$/);
        await page.getByTestId('verify-code').fill(code);
        await page.getByTestId('verify-confirm').click();
      }).toPass({ timeout: 40_000, intervals: [2_000] });
      await carrier.isQuiet();
    });

    await test.step('he works from home', async () => {
      await carrier.answers(MOBILE, MOBILE_HZ, { press: [{ digits: '1', at_ms: 800 }] });
      // A number that was proven while it was being entered is entered.
      await expect(portal.mode).toHaveAttribute('data-mode', 'telecommuting');
    });

    await test.step('he calls London, and shows the number of his desk', async () => {
      await carrier.answers(LONDON, LONDON_HZ);
      await portal.dial(LONDON);
      await portal.isIn('connected');
      expect((await carrier.lastCallTo(LONDON)).from).toBe(NUMBER);
      await carrier.hears(LONDON, MOBILE_HZ);
      await portal.hangUp();
      await portal.isOver();
    });

    await test.step('somebody calls him, and his desk stays silent', async () => {
      await carrier.places({ from: CALLER, to: NUMBER, telephone: { tone_hz: CALLER_HZ } });
      await portal.isIn('connected');
      await Promise.all([carrier.hears(MOBILE, CALLER_HZ), carrier.hears(CALLER, MOBILE_HZ)]);
      expect(desk.rang()).toBe(1);
      await portal.hangUp();
      await portal.isOver();
    });

    await test.step('he has no time: the next caller leaves a message', async () => {
      await carrier.set(MOBILE, { kind: 'ring_out' });
      await carrier.places({ from: CALLER, to: NUMBER, leave_message: { speak_ms: 2000 } });
      await portal.isIn('ringing');
      await page.getByTestId('call-reject').click();
      await portal.isIn('voicemail');
      expect((await carrier.reaches(CALLER, 'ended', 30_000)).media.beep_ms).not.toBeNull();
      await portal.isOver();
      await expect(page.getByTestId('unheard').filter({ visible: true })).toContainText('1');
    });

    await test.step('he leaves, and his desk telephone is his again', async () => {
      await portal.leaves();
      await carrier.places({ from: CALLER, to: NUMBER, telephone: { tone_hz: CALLER_HZ } });
      await desk.rings(2);
      await desk.accept();
      await carrier.hears(CALLER, DESK_HZ);
      await carrier.hangUp(await carrier.lastCallTo(CALLER));
      await carrier.isQuiet();
    });
  } finally {
    await desk.close();
  }
});
