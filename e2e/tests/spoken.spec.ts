import { ANNA_DID, CALLER, CALLER_HZ, HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { Spoken } from '../support/spoken.ts';
import { expect, test } from '../support/test.ts';

test('a whole call with the keyboard alone, as a screen reader tells it', async ({ portal, carrier }) => {
  test.slow();
  const { page } = portal;
  await carrier.answers(HOME, HOME_HZ, { after_ms: 1500 });
  await carrier.answers(ROME, ROME_HZ, { after_ms: 1500 });
  await portal.telecommuteAt(HOME, 'off');
  await page.reload();
  await portal.isConnected();
  const spoken = await Spoken.by(page);

  await spoken.press('/');
  await expect(portal.dialInput).toBeFocused();
  await spoken.type('06 9876 5401');
  await spoken.press('Enter');
  let at = await spoken.says(/^says: Calling your telephone/);
  at = await spoken.says(/^says: Calling the other party/, at);
  at = await spoken.says(/^says: Connected\. /, at);
  await portal.isIn('connected');

  await spoken.tabTo(/^Mute me, /, 'Shift+Tab');
  await spoken.press('Space');
  at = await spoken.says(/^says: .*do(es)? not hear you/i, at);
  // The same key again, without looking where the focus went.
  await expect(page.getByTestId('call-mute')).toBeEnabled();
  await spoken.press('Space');
  await expect(page.getByTestId('call-mute')).toHaveAttribute('aria-pressed', 'false');
  await spoken.tabTo(/^Keypad, .*collapsed/);
  await spoken.press('Enter');
  await expect(page.getByTestId('dtmf-key-5')).toBeVisible();
  await spoken.press('5');
  await expect
    .poll(async () => (await carrier.lastCallTo(ROME)).media.dtmf.map((heard) => heard.digit))
    .toEqual(['5']);

  // A second caller is told of at once, in whatever the user is doing.
  await carrier.places({ from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } });
  at = await spoken.says(/^at once: Second call waiting\. /, at);
  await carrier.hangUp(await carrier.lastCallTo(CALLER));
  await expect(portal.card).toHaveCount(1);

  await spoken.tabTo(/^Hold, button/);
  await spoken.press('Enter');
  at = await spoken.says(/^says: On hold\. /, at);
  // The button that was pressed is gone; what it stood in has the focus.
  await expect(page.getByTestId('call-hold')).toHaveCount(0);
  await spoken.look();
  await spoken.tabTo(/^Hang up, button/);
  await spoken.press('Enter');
  await portal.isOver();
  at = await spoken.says(/^says: Call ended\. You hung up\./, at);
  await spoken.look();

  await carrier.places({ from: CALLER, to: ANNA_DID, telephone: { tone_hz: CALLER_HZ } });
  at = await spoken.says(/^at once: Incoming call\. /, at);
  await portal.isIn('connected');
  at = await spoken.says(/^says: Connected\. /, at);
  await carrier.hangUp(await carrier.lastCallTo(CALLER));
  await spoken.says(/^says: Call ended\. /, at);

  spoken.keep('screenshots/spoken.txt');
  const nameless = spoken.lines.filter((line) => /^(button|link|edit|checkbox|radio|combo box)\b/.test(line));
  expect(nameless, 'each control that the keyboard comes to has a name').toEqual([]);
  expect(spoken.lines, 'the focus is never lost').not.toContain('(nothing)');
});
