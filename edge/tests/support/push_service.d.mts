import type { IncomingHttpHeaders } from 'node:http';

/** What the edge tells, as docs/protocol.md has it. */
export interface PushText {
  type: 'ringing' | 'missed' | 'over';
  call: string;
  name?: string;
  number: string;
  at: number;
  language: string;
}

/** As `PushSubscription.toJSON()` gives it. */
export interface SubscriptionJson {
  endpoint: string;
  expirationTime: null;
  keys: { p256dh: string; auth: string };
}

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  at: number;
}

/** What a browser keeps of its subscription. */
export class Browser {
  constructor(service: PushService, path?: string);
  readonly path: string;
  readonly endpoint: string;
  toJSON(): SubscriptionJson;
  decrypt(body: Buffer): PushText;
}

export class PushService {
  static open(): Promise<PushService>;
  readonly origin: string;
  of(browser: { path: string }): Received[];
  message(browser: Browser, count?: number, timeoutMs?: number): Promise<Received & { text: PushText }>;
  close(): Promise<void>;
}

/** What an `Authorization` header says, once its signature is good. */
export function readVapid(header: string): { key: string; header: object; claims: { aud: string; sub: string; exp: number } };
