import { expect } from '@playwright/test';

/** What a telephone does when it is called: see crates/pstn-sim/README.md. */
export type Behaviour = { kind: string } & Record<string, unknown>;

/** When something passed the carrier's sockets; `order` counts messages. */
export interface Mark {
  order: number;
  ms: number;
}

interface HeardTone {
  hz: number;
  total_ms: number;
  last_ms: number;
}

/** One call as the carrier saw it. */
export interface CallReport {
  id: number;
  direction: 'to_telephone' | 'from_telephone';
  trunk: string;
  /** What a telephone of the carrier dialled. */
  dialled: string | null;
  number: string;
  state: 'trying' | 'ringing' | 'early' | 'answered' | 'confirmed' | 'ended';
  tone_hz: number | null;
  invite_at: Mark;
  ringing_at: Mark | null;
  answered_at: Mark | null;
  acked_at: Mark | null;
  ended_at: Mark | null;
  ended_by: string | null;
  status: number | null;
  /** `Reason` of the other side's refusal or BYE. */
  reason: string | null;
  from: string;
  media: {
    codec: string | null;
    packets_received: number;
    last_packet_ms: number | null;
    longest_packet_gap_ms: number;
    longest_voice_gap_ms: number;
    heard: HeardTone[];
    dtmf: { digit: string }[];
    /** What was heard before the answer. */
    early: HeardTone[];
    /** When a mailbox beeped. */
    beep_ms: number | null;
  };
}

/** A call from one of the carrier's telephones: see crates/pstn-sim/README.md. */
export interface Order {
  from: string;
  to: string;
  caller_id?: 'shown' | 'restricted' | 'withheld';
  name?: string;
  give_up_after_ms?: number;
  telephone?: Record<string, unknown>;
  leave_message?: { speak_ms?: number; patience_ms?: number };
}

export type TrunkMode = 'ok' | '503' | '500' | 'silent';

/** The trunks in the order in which the gateway tries them. */
export const TRUNKS = ['main', 'second'] as const;

/** The simulated carrier and the telephones behind it. */
export class Carrier {
  constructor(private readonly url: string) {}

  /** Every call since the last `reset`, in order. */
  calls(): Promise<CallReport[]> {
    return this.request('GET', '/calls');
  }

  /** The calls to one telephone, in order. */
  async callsTo(number: string): Promise<CallReport[]> {
    return (await this.calls()).filter((call) => call.number === number);
  }

  /** The last call to a telephone, which must have had one. */
  async lastCallTo(number: string): Promise<CallReport> {
    const call = (await this.callsTo(number)).at(-1);
    if (!call) throw new Error(`${number} was not called`);
    return call;
  }

  /** Makes a telephone answer soon, with a tone of its own. */
  answers(number: string, toneHz: number, more: Record<string, unknown> = {}): Promise<void> {
    return this.set(number, { kind: 'answer', after_ms: 400, tone_hz: toneHz, ...more });
  }

  async set(number: string, behaviour: Behaviour): Promise<void> {
    await this.request('PUT', `/numbers/${encodeURIComponent(number)}`, behaviour);
  }

  async trunk(name: (typeof TRUNKS)[number], mode: TrunkMode): Promise<void> {
    await this.request('POST', `/trunks/${name}/mode`, { mode });
  }

  async hangUp(call: CallReport): Promise<void> {
    await this.request('POST', `/calls/${call.id}/hangup`);
  }

  async press(call: CallReport, digits: string): Promise<void> {
    await this.request('POST', `/calls/${call.id}/dtmf`, { digits });
  }

  /** Waits until the telephone hears a tone for `totalMs` more than it has so far. */
  async hears(number: string, hz: number, totalMs = 600): Promise<void> {
    const before = await this.heard(number, hz);
    await expect
      .poll(async () => (await this.heard(number, hz)) - before, {
        message: `${number} hears ${hz} Hz`,
        timeout: 10_000 + 2 * totalMs,
      })
      .toBeGreaterThanOrEqual(totalMs);
  }

  /** Makes sure that a telephone hears a tone no more; what is on its way may still come. */
  async hearsNot(number: string, hz: number, forMs = 1_000): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 600));
    const before = await this.heard(number, hz);
    await new Promise((resolve) => setTimeout(resolve, forMs));
    expect((await this.heard(number, hz)) - before, `${number} hears ${hz} Hz`).toBeLessThan(100);
  }

  /** How long its last call has brought a tone to a telephone, in milliseconds; 0 for one that was not called. */
  private async heard(number: string, hz: number): Promise<number> {
    const call = (await this.callsTo(number)).at(-1);
    return call ? toneMs(call, hz) : 0;
  }

  /** Waits until a telephone's last call is in this state. */
  async reaches(number: string, state: CallReport['state'], timeout = 10_000): Promise<CallReport> {
    await expect
      .poll(async () => (await this.callsTo(number)).at(-1)?.state, { message: `${number} is ${state}`, timeout })
      .toBe(state);
    return this.lastCallTo(number);
  }

  /** Lets a telephone of the carrier call; its number is `from`. */
  places(order: Order): Promise<CallReport> {
    return this.request('POST', '/calls', order);
  }

  /** What a telephone that records has heard in a call: samples from -32768 to 32767, 8000 a second. */
  async sound(call: CallReport): Promise<Int16Array> {
    const response = await fetch(`${this.url}/calls/${call.id}/audio`);
    if (!response.ok) throw new Error(`no sound of call ${call.id}: ${response.status}`);
    return wavSamples(await response.arrayBuffer());
  }

  /** The carrier's clock at this moment, in milliseconds, to compare with marks. */
  async now(): Promise<number> {
    const before = Date.now();
    const { uptime_ms } = await this.request<{ uptime_ms: number }>('GET', '/health');
    // Half the way there and back.
    return uptime_ms + (Date.now() - before) / 2;
  }

  /** Waits until no call is up; one that speaks a code says it three times. */
  async isQuiet(timeout = 20_000): Promise<void> {
    await expect
      .poll(async () => (await this.calls()).filter((call) => call.state !== 'ended').length, {
        message: 'calls that are up',
        timeout,
      })
      .toBe(0);
  }

  /** Ends what a test left behind, so that the next one starts with all telephones on the hook. */
  async reset(): Promise<void> {
    for (const trunk of TRUNKS) await this.trunk(trunk, 'ok');
    for (const call of await this.calls()) {
      // It may have ended meanwhile.
      if (call.state !== 'ended') await this.hangUp(call).catch(() => undefined);
    }
    await this.isQuiet();
    await this.request('DELETE', '/calls');
  }

  private async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }
}

/** The samples of a WAV file with one channel of 16 bits. */
export function wavSamples(file: ArrayBuffer): Int16Array {
  const view = new DataView(file);
  for (let at = 12; at + 8 <= file.byteLength; ) {
    const name = String.fromCharCode(...new Uint8Array(file, at, 4));
    const length = view.getUint32(at + 4, true);
    if (name === 'data') return new Int16Array(file.slice(at + 8, at + 8 + length));
    at += 8 + length + (length % 2);
  }
  throw new Error('a WAV file without data');
}

function toneMs(call: CallReport, hz: number): number {
  return call.media.heard
    .filter((tone) => Math.abs(tone.hz - hz) <= 4)
    .reduce((sum, tone) => sum + tone.total_ms, 0);
}
