import type { Carrier } from '../support/carrier.ts';
import { HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { Portal, seconds } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

/** How soon the portal must show the true state (rule T13). */
const TRUE_STATE_MS = 3_000;
/**
 * The longest pause in what a telephone hears (rule T13), beyond those that the simulated telephones make themselves: they
 * share this machine's cores with workerd and the browser, and say how long their own voices waited for one.
 */
const PAUSE_MS = 200;

test.describe.configure({ timeout: 90_000 });

test.beforeEach(async ({ carrier, portal }) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.dial(ROME);
  await portal.isIn('connected');
  await carrier.hears(ROME, HOME_HZ);
});

test('t13 the edge dies in a call: the sound goes on, the portal says so and is right again in 3 s', async ({
  portal,
  carrier,
  stack,
}) => {
  const heardBefore = await packets(carrier);
  await stack.kill('edge');
  await expect(portal.badge).toHaveAttribute('data-state', 'reconnecting');
  await portal.isIn('connected');
  await portal.picture(`${test.info().project.name}-reconnecting`);
  const ticking = seconds(await portal.duration.innerText());
  await stack.start('edge');
  await portal.isConnected(TRUE_STATE_MS);
  await portal.isIn('connected', TRUE_STATE_MS);
  await expect.poll(async () => seconds(await portal.duration.innerText())).toBeGreaterThan(ticking);
  await soundWentOn(carrier, heardBefore);

  await portal.hangUp();
  await portal.isOver();
  await portal.logSays('answered', 'normal_clearing');
});

test('t13 a call that ends while the edge is away is shown as ended', async ({ portal, carrier, stack }) => {
  await stack.kill('edge');
  await expect(portal.badge).toHaveAttribute('data-state', 'reconnecting');
  await carrier.hangUp(await carrier.lastCallTo(ROME));
  await carrier.isQuiet();
  await stack.start('edge');
  await portal.isConnected(TRUE_STATE_MS);
  await expect(portal.card).toHaveCount(0, { timeout: TRUE_STATE_MS });
  await portal.logSays('answered', 'normal_clearing');
});

test('t13 the page is loaded again in a call: the call is there in 3 s', { tag: '@mobile' }, async ({
  portal,
  carrier,
}) => {
  const heardBefore = await packets(carrier);
  await portal.page.reload({ waitUntil: 'commit' });
  await portal.isIn('connected', TRUE_STATE_MS);
  await expect.poll(async () => seconds(await portal.duration.innerText())).toBeGreaterThan(0);
  await soundWentOn(carrier, heardBefore);
  await portal.hangUp();
  await portal.isOver();
  await carrier.isQuiet();
});

test('t13 the page is closed in a call: the call goes on, and another page takes it up', async ({
  portal,
  carrier,
  context,
}) => {
  await portal.page.close();
  await carrier.hears(ROME, HOME_HZ);
  const again = new Portal(await context.newPage());
  await again.open();
  await again.isIn('connected');
  await again.hangUp();
  await again.isOver();
  await carrier.isQuiet();
});

test('t13 the browser is offline for 20 s: it says so, the sound goes on, the true state is back in 3 s', async ({
  portal,
  carrier,
  context,
}) => {
  const heardBefore = await packets(carrier);
  await context.setOffline(true);
  await expect(portal.badge).toHaveAttribute('data-state', 'offline');
  await expect(portal.badge).toContainText('You are offline');
  await expect(portal.dialSubmit).toBeDisabled();
  await portal.picture(`${test.info().project.name}-offline`);
  // Twenty seconds by what the far telephone hears.
  await carrier.hears(ROME, HOME_HZ, 20_000);
  await carrier.hangUp(await carrier.lastCallTo(ROME));
  await carrier.isQuiet();
  await soundWentOn(carrier, heardBefore);
  await context.setOffline(false);
  await expect(portal.card).toHaveCount(0, { timeout: TRUE_STATE_MS });
  await portal.isConnected(TRUE_STATE_MS);
  await portal.logSays('answered', 'normal_clearing');
});

test('the gateway dies in a call: no telephone is left alone, the log has the cause, the next call works', async ({
  portal,
  carrier,
  stack,
}) => {
  const rows = await portal.logRows.count();
  await stack.kill('gateway');
  await expect(portal.badge).toHaveAttribute('data-state', 'gateway-offline');
  await expect(portal.dialSubmit).toBeDisabled();
  await portal.picture(`${test.info().project.name}-gateway-offline`);
  await stack.start('gateway');
  await carrier.isQuiet();
  await portal.isConnected();
  await portal.isOver();
  await expect(portal.cause).toHaveText(/The telephone system restarted during the call/);
  await portal.logSays('answered', 'gateway_restarted');
  await expect(portal.logRows).toHaveCount(rows + 1);
  await expect(portal.mode, 'the mode survives').toHaveAttribute('data-mode', 'telecommuting');

  await portal.dial(ROME);
  await portal.isIn('connected');
  await carrier.hears(ROME, HOME_HZ);
});

async function packets(carrier: Carrier): Promise<number[]> {
  return Promise.all([HOME, ROME].map(async (number) => (await carrier.lastCallTo(number)).media.packets_received));
}

/** Both telephones heard more than before, and never a pause. */
async function soundWentOn(carrier: Carrier, before: number[]): Promise<void> {
  const heard = await Promise.all([HOME, ROME].map(async (number) => (await carrier.lastCallTo(number)).media));
  const own = Math.max(...heard.map((media) => media.longest_voice_gap_ms));
  for (const [index, media] of heard.entries()) {
    const number = [HOME, ROME][index];
    expect(media.packets_received, `${number} goes on hearing`).toBeGreaterThan(before[index] ?? Infinity);
    expect(
      media.longest_packet_gap_ms,
      `the longest pause at ${number}, where the telephones themselves paused for ${own} ms`,
    ).toBeLessThanOrEqual(PAUSE_MS + own);
  }
}
