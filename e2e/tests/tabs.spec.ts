import { HOME, HOME_HZ, ROME, ROME_HZ } from '../support/numbers.ts';
import { Portal } from '../support/portal.ts';
import { expect, test } from '../support/test.ts';

test('t07 two tabs show the same call, and either ends it', async ({ portal, carrier, context }) => {
  await carrier.answers(HOME, HOME_HZ, { after_ms: 1500 });
  await carrier.answers(ROME, ROME_HZ, { after_ms: 1500 });
  await portal.telecommuteAt(HOME);
  const other = new Portal(await context.newPage());
  await other.open();
  await expect(other.mode).toHaveAttribute('data-mode', 'telecommuting');
  await portal.dial(ROME);
  for (const phase of ['calling_user', 'calling_far', 'connected'] as const) {
    await Promise.all([portal.isIn(phase), other.isIn(phase)]);
  }
  await expect(other.dialSubmit).toBeDisabled();
  await other.hangUp();
  await Promise.all([portal.isOver(), other.isOver()]);
  await Promise.all([portal, other].map((tab) => tab.logSays('answered', 'normal_clearing')));
});

test('a double click dials once', { tag: '@mobile' }, async ({ portal, carrier }) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  await portal.dialInput.fill(ROME);
  await portal.dialSubmit.dblclick();
  await portal.isIn('connected');
  expect((await carrier.calls()).map((call) => call.number)).toEqual([HOME, ROME]);
});

test('t08 the same number dialled in two tabs at once is one call, the other tab is told', async ({
  portal,
  carrier,
  context,
}) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  const other = new Portal(await context.newPage());
  await other.open();
  for (const tab of [portal, other]) await tab.dialInput.fill(ROME);
  // Both at once: neither page may hear of the other's call before it asks.
  await Promise.all([portal, other].map((tab) => tab.dialSubmit.dispatchEvent('click')));
  await Promise.all([portal.isIn('connected'), other.isIn('connected')]);
  await expect(portal.card).toHaveCount(1);
  await expect(other.card).toHaveCount(1);
  expect((await carrier.calls()).map((call) => call.number)).toEqual([HOME, ROME]);
});

test('a dial command sent a hundred times, from two sockets, is one call with one answer', async ({
  portal,
  carrier,
}) => {
  await carrier.answers(HOME, HOME_HZ);
  await carrier.answers(ROME, ROME_HZ);
  await portal.telecommuteAt(HOME);
  const outcomes = await portal.page.evaluate(dialHundredTimes, ROME);
  expect(new Set(outcomes)).toEqual(new Set(['accepted']));
  await portal.isIn('connected');
  expect((await carrier.calls()).map((call) => call.number)).toEqual([HOME, ROME]);
});

test('signing out in one tab signs out the other within a second', async ({ page, stack, context }) => {
  const first = new Portal(page);
  await page.goto('/');
  await first.signIn(stack.person('marco'));
  await first.isConnected();
  const other = new Portal(await context.newPage());
  await other.open();
  await first.page.getByTestId('sign-out').click();
  await expect(first.page.getByTestId('sign-in-submit')).toBeVisible();
  await expect(other.page.getByTestId('sign-in-submit')).toBeVisible({ timeout: 1_000 });
  await other.page.goto('/');
  await expect(other.page.getByTestId('sign-in-submit'), 'the session is over, not only hidden').toBeVisible();
});

/** Runs in the page: sends one command fifty times on each of two sockets of its own, and returns the outcomes, one of each socket at
 * least. */
async function dialHundredTimes(number: string): Promise<string[]> {
  const each = 50;
  const now = Date.now();
  const random = crypto.getRandomValues(new Uint8Array(10));
  const hex = now.toString(16).padStart(12, '0') + Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  const command = JSON.stringify({
    type: 'command',
    command: { id, issued_at: now, expires_at: now + 10_000, body: { type: 'dial', number } },
  });
  const one = async (): Promise<string[]> => {
    const answer = await fetch('/api/ticket', { method: 'POST' });
    const { ticket } = (await answer.json()) as { ticket: string };
    const socket = new WebSocket(`ws://${location.host}/api/socket`, ['ponte.v1', `ticket.${ticket}`]);
    const outcomes: string[] = [];
    return new Promise((resolve, reject) => {
      let sent = 0;
      let quiet: ReturnType<typeof setTimeout> | undefined;
      // One answer is for all that a socket asked before it came, so the last is known by the silence after it.
      const listen = () => {
        clearTimeout(quiet);
        if (sent < each || outcomes.length === 0) return;
        quiet = setTimeout(() => {
          socket.close();
          resolve(outcomes);
        }, 1_500);
      };
      // Slowly enough for the limit on frames.
      const send = () => {
        socket.send(command);
        sent += 1;
        if (sent < each) setTimeout(send, 60);
        else listen();
      };
      socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', versions: { oldest: 1, newest: 1 } }));
      socket.onerror = () => reject(new Error('the socket failed'));
      socket.onmessage = ({ data }) => {
        const frame = JSON.parse(data as string);
        if (frame.type === 'snapshot') send();
        if (frame.type === 'error') reject(new Error(String(data)));
        if (frame.type !== 'reply' || frame.reply.id !== id) return;
        outcomes.push(frame.reply.outcome.type);
        listen();
      };
    });
  };
  return (await Promise.all([one(), one()])).flat();
}
