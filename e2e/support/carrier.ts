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
  trunk: string;
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
  from: string;
  media: {
    codec: string | null;
    packets_received: number;
    last_packet_ms: number | null;
    longest_packet_gap_ms: number;
    longest_voice_gap_ms: number;
    heard: HeardTone[];
    dtmf: { digit: string }[];
  };
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
    const before = toneMs(await this.lastCallTo(number), hz);
    await expect
      .poll(async () => toneMs(await this.lastCallTo(number), hz) - before, {
        message: `${number} hears ${hz} Hz`,
        timeout: 10_000 + 2 * totalMs,
      })
      .toBeGreaterThanOrEqual(totalMs);
  }

  /** Waits until a telephone's last call is in this state. */
  async reaches(number: string, state: CallReport['state']): Promise<CallReport> {
    await expect
      .poll(async () => (await this.callsTo(number)).at(-1)?.state, { message: `${number} is ${state}` })
      .toBe(state);
    return this.lastCallTo(number);
  }

  /** Waits until no call is up. */
  async isQuiet(): Promise<void> {
    await expect
      .poll(async () => (await this.calls()).filter((call) => call.state !== 'ended').length, {
        message: 'calls that are up',
        timeout: 20_000,
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

function toneMs(call: CallReport, hz: number): number {
  return call.media.heard
    .filter((tone) => Math.abs(tone.hz - hz) <= 4)
    .reduce((sum, tone) => sum + tone.total_ms, 0);
}
