import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Page } from '@playwright/test';
import { VOICE_HZ, listenAt, pageHears, microphoneArgs } from '../support/browser-telephone.ts';
import { ROME, ROME_HZ } from '../support/numbers.ts';
import { expect, test } from '../support/test.ts';

// Only where bench/roaming.sh has made a network namespace for the browser: PONTE_AWAY is a process in it.
const AWAY = process.env.PONTE_AWAY ?? '';
/** How long the sound may stay away when the network changes, in milliseconds: Chromium on Linux takes two seconds of it to
 * notice that it has another address. Left to itself, it looks for another path after seven. */
const BACK_MS = 3_000;

/** Runs commands where the browser is. */
async function away(...commands: string[]): Promise<void> {
  for (const command of commands) {
    await promisify(execFile)('nsenter', ['--target', AWAY, '--net', ...command.split(' ')]);
  }
}

test.use({
  launchOptions: [
    async ({ launchOptions }, use) => {
      const args = [...(launchOptions.args ?? []), ...microphoneArgs()];
      // Its own interfaces alone lead to the system.
      await use({ ...launchOptions, args: args.filter((arg) => arg !== '--allow-loopback-in-peer-connection') });
    },
    { scope: 'worker' },
  ],
});

const AT_HOME = ['ip addr add 10.77.0.2/24 dev wlan0', 'ip link set wlan0 up', 'ip route replace default via 10.77.0.1'];

const CHANGES = [
  {
    what: 'its address becomes another',
    change: [
      'nft flush set ip ponte own',
      'ip addr del 10.77.0.2/24 dev wlan0',
      'ip addr add 10.77.0.3/24 dev wlan0',
      'ip route replace default via 10.77.0.1',
      'nft add element ip ponte own { 10.77.0.3 }',
    ],
  },
  {
    what: 'its network goes and another comes',
    change: [
      'nft flush set ip ponte own',
      'ip link set wlan0 down',
      'ip addr add 10.77.1.2/24 dev wlan1',
      'ip link set wlan1 up',
      'ip route replace default via 10.77.1.1',
      'nft add element ip ponte own { 10.77.1.2 }',
    ],
  },
];
const BACK = [
  'nft flush set ip ponte own',
  'ip addr flush dev wlan0',
  'ip addr flush dev wlan1',
  'ip link set wlan1 down',
  ...AT_HOME,
  'nft add element ip ponte own { 10.77.0.2 }',
];

for (const { what, change } of CHANGES) {
  test(`t13 the browser is elsewhere, ${what}: the sound is back in three seconds, and it is the same call`, async ({ portal, carrier }) => {
    const { page } = portal;
    await listenAt(page);
    await page.reload();
    await carrier.answers(ROME, ROME_HZ, { record: true });
    await portal.takesCallsHere();
    await portal.dial(ROME);
    await portal.isIn('connected', 20_000);
    await Promise.all([carrier.hears(ROME, VOICE_HZ), pageHears(page, ROME_HZ)]);
    await watchSilence(page);
    try {
      await away(...change);
      await page.waitForTimeout(500);
      await Promise.all([carrier.hears(ROME, VOICE_HZ, 2_000), pageHears(page, ROME_HZ)]);
      const here = await longestSilence(page);
      const call = await carrier.lastCallTo(ROME);
      const there = longestPause(await carrier.sound(call), VOICE_HZ);
      console.log(`silent for ${here} ms here, ${there} ms there`);
      expect(here, 'milliseconds of silence in the browser').toBeLessThan(BACK_MS);
      expect(there, 'milliseconds of silence at the other party').toBeLessThan(BACK_MS);
      expect(await carrier.callsTo(ROME), 'calls to the other party').toHaveLength(1);
      expect(call.state).toBe('confirmed');
      await portal.isConnected();
      await portal.isIn('connected');
    } finally {
      await away(...BACK);
    }
    await portal.hangUp();
    await portal.isOver();
  });
}

/** The longest pause of a tone in what a telephone heard, from its first to its last sound, in milliseconds. */
function longestPause(samples: Int16Array, hz: number): number {
  const window = 160;
  let longest = 0;
  let heardTo = -1;
  for (let at = 0; at + window <= samples.length; at += window) {
    let [cosine, sine, power] = [0, 0, 0];
    for (let n = 0; n < window; n += 1) {
      const sample = samples[at + n]!;
      const angle = (2 * Math.PI * hz * n) / 8_000;
      cosine += sample * Math.cos(angle);
      sine += sample * Math.sin(angle);
      power += sample * sample;
    }
    // A pure tone has all of its power here.
    const ofTone = (2 * (cosine * cosine + sine * sine)) / window;
    if (power / window < 10_000 || ofTone < power / 2) continue;
    if (heardTo >= 0) longest = Math.max(longest, at - heardTo);
    heardTo = at + window;
  }
  return longest / 8;
}

/** Begins to look for pauses in what the page's loudspeaker plays. */
function watchSilence(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const noted = window as unknown as { loudspeakers: HTMLAudioElement[]; silence: { longest: number } };
    const playing = noted.loudspeakers.findLast((element) => element.srcObject && !element.paused)!;
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    const ear = context.createAnalyser();
    // 5 ms.
    ear.fftSize = 256;
    context.createMediaStreamSource(playing.srcObject as MediaStream).connect(ear);
    const samples = new Float32Array(ear.fftSize);
    const silence = { longest: 0 };
    let heard = performance.now();
    noted.silence = silence;
    setInterval(() => {
      ear.getFloatTimeDomainData(samples);
      const now = performance.now();
      if (samples.some((sample) => Math.abs(sample) > 0.01)) heard = now;
      else silence.longest = Math.max(silence.longest, now - heard);
    }, 5);
  });
}

/** The longest pause since [`watchSilence`], in milliseconds. */
async function longestSilence(page: Page): Promise<number> {
  const longest = await page.evaluate(() => (window as unknown as { silence: { longest: number } }).silence.longest);
  return Math.round(longest);
}
