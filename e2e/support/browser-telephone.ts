import { expect, type Page } from '@playwright/test';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { test } from './test.ts';
import { toneWav } from './wav.ts';

/** What the microphone of the test's browser picks up. */
export const VOICE_HZ = 865;

/** How far from a tone the loudest frequency may lie: the analyser's steps are 6 Hz. */
const TOLERANCE_HZ = 8;

/** For `test.use`: a browser with a microphone that picks up a tone, allowed without a question. */
export const withMicrophone: Parameters<typeof test.use>[0] = {
  launchOptions: [
    async ({ launchOptions }, use) => {
      await use({ ...launchOptions, args: [...(launchOptions.args ?? []), ...microphoneArgs()] });
    },
    { scope: 'worker' },
  ],
};

export function microphoneArgs(): string[] {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'ponte-microphone-')), 'voice.wav');
  writeFileSync(file, toneWav(VOICE_HZ, 20));
  return [
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-audio-capture=${file}`,
    // The stack is on this machine.
    '--allow-loopback-in-peer-connection',
  ];
}

/** Lets the test listen at the page's loudspeakers; before the page loads. */
export async function listenAt(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const noted = window as unknown as {
      loudspeakers: HTMLAudioElement[];
      connections: RTCPeerConnection[];
    };
    noted.loudspeakers = [];
    noted.connections = [];
    window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
      construct(target, given: [RTCConfiguration?]) {
        const connection = new target(...given);
        noted.connections.push(connection);
        return connection;
      },
    });
    window.Audio = new Proxy(window.Audio, {
      construct(target, given: [string?]) {
        const element = new target(...given);
        noted.loudspeakers.push(element);
        return element;
      },
    });
    // The suppression of noise takes a steady tone for noise.
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = () =>
      open({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  });
}

/** Makes the browser one that has only this codec, besides the keys; before the page loads. */
export async function onlySpeaks(page: Page, codec: 'PCMU' | 'PCMA' | 'G722'): Promise<void> {
  await page.addInitScript((codec) => {
    const kept = [`audio/${codec}`, 'audio/telephone-event'];
    type Offer = (this: RTCPeerConnection, options?: RTCOfferOptions) => Promise<RTCSessionDescriptionInit>;
    const offer = RTCPeerConnection.prototype.createOffer as Offer;
    RTCPeerConnection.prototype.createOffer = function (this: RTCPeerConnection, options?: RTCOfferOptions) {
      const all = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? [];
      for (const transceiver of this.getTransceivers()) {
        transceiver.setCodecPreferences(all.filter(({ mimeType }) => kept.includes(mimeType)));
      }
      return offer.call(this, options);
    } as Offer as typeof RTCPeerConnection.prototype.createOffer;
  }, codec);
}

/** Lets the browser go by relays alone, as where the network lets no UDP through; after `listenAt`, before the page loads. */
export async function onlyByRelay(page: Page): Promise<void> {
  await page.addInitScript(() => {
    window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
      construct(target, [configuration]: [RTCConfiguration?]) {
        return new target({ ...configuration, iceTransportPolicy: 'relay' });
      },
    });
  });
}

/** Hides from the browser that the gateway has UDP, as where the network lets none through; before the page loads. */
export async function withoutUdp(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const isUdp = (line: string) => /^a=candidate:\S+ \d+ udp /i.test(line);
    type Set = (this: RTCPeerConnection, description: RTCSessionDescriptionInit) => Promise<void>;
    const set: Set = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (
      this: RTCPeerConnection,
      { type, sdp = '' }: RTCSessionDescriptionInit,
    ) {
      const lines = sdp.split('\r\n').filter((line) => !isUdp(line));
      return set.call(this, { type, sdp: lines.join('\r\n') });
    } as typeof RTCPeerConnection.prototype.setRemoteDescription;
  });
}

/** The protocol of the path that the page's call has taken, as the browser itself tells. */
export function protocolOf(page: Page): Promise<string | undefined> {
  return page.evaluate(async () => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    const report = await connections.at(-1)?.getStats();
    const stats = [...(report?.values() ?? [])];
    const transport = stats.find(({ type }) => type === 'transport');
    const pair = stats.find(({ id }) => id === transport?.selectedCandidatePairId);
    return stats.find(({ id }) => id === pair?.remoteCandidateId)?.protocol as string | undefined;
  });
}

/** The codec that the page's call is sent with, as the browser itself tells. */
export function codecSent(page: Page): Promise<string | undefined> {
  return page.evaluate(async () => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    const reports = await Promise.all(connections.map((connection) => connection.getStats()));
    const stats = reports.flatMap((report) => [...report.values()]);
    const sent = stats.find(({ type }) => type === 'outbound-rtp');
    return stats.find(({ id }) => id === sent?.codecId)?.mimeType as string | undefined;
  });
}

/** The track that the page's call sends. */
export function microphoneOf(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    return connections.at(-1)?.getSenders()[0]?.track?.id;
  });
}

/** Pulls the plug of the microphone that the page's call sends. */
export function loseMicrophone(page: Page): Promise<void> {
  return page.evaluate(() => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    const track = connections.at(-1)?.getSenders()[0]?.track;
    // A page that stops a track itself is not told of it.
    track?.stop();
    track?.dispatchEvent(new Event('ended'));
  });
}

/** Waits until a loudspeaker of the page plays a tone. */
export async function pageHears(page: Page, hz: number): Promise<void> {
  await expect
    .poll(async () => Math.abs((await page.evaluate(loudestHz)) - hz), {
      message: `the page hears ${hz} Hz`,
      timeout: 15_000,
    })
    .toBeLessThan(TOLERANCE_HZ);
}

/** Waits until no loudspeaker of the page has a source. */
export async function pageIsSilent(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate(sources), { message: 'loudspeakers with a source' }).toBe(0);
}

/** Runs in the page: the loudest frequency of what its last loudspeaker plays; far off where it plays nothing. */
async function loudestHz(): Promise<number> {
  const silence = -1e6;
  const noted = window as unknown as {
    loudspeakers: HTMLAudioElement[];
    ears?: WeakMap<MediaStream, AnalyserNode>;
  };
  const playing = noted.loudspeakers.findLast((element) => element.srcObject && !element.paused);
  if (!playing || playing.muted || playing.currentTime === 0) return silence;
  const stream = playing.srcObject as MediaStream;
  noted.ears ??= new WeakMap();
  let ear = noted.ears.get(stream);
  if (!ear) {
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    ear = context.createAnalyser();
    ear.fftSize = 8192;
    ear.smoothingTimeConstant = 0;
    context.createMediaStreamSource(stream).connect(ear);
    noted.ears.set(stream, ear);
  }
  const levels = new Float32Array(ear.frequencyBinCount);
  ear.getFloatFrequencyData(levels);
  const loudest = levels.indexOf(Math.max(...levels));
  // In decibels below the full scale.
  return (levels[loudest] ?? silence) > -50 ? (loudest * ear.context.sampleRate) / ear.fftSize : silence;
}

/** Runs in the page. */
function sources(): number {
  const noted = window as unknown as { loudspeakers: HTMLAudioElement[] };
  return noted.loudspeakers.filter((element) => element.srcObject !== null).length;
}
