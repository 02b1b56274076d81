import { expect } from '@playwright/test';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toneWav } from './wav.ts';

const MODULES = ['g711', 'aufile', 'aubridge', 'ctrl_tcp'];
const APPS = ['account', 'menu'];
/** How long a telephone may take for anything. */
const PATIENCE_MS = 20_000;

interface Said {
  event?: boolean;
  type?: string;
  peeruri?: string;
  param?: string;
  token?: string;
  ok?: boolean;
}

interface Account {
  username: string;
  password: string;
}

/** baresip (Debian: `baresip`) as a desk telephone: registered with digest, with a tone for a voice. */
export class DeskTelephone {
  private readonly said: Said[] = [];
  private tokens = 0;

  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly control: Socket,
  ) {
    let buffer: Buffer = Buffer.alloc(0);
    control.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk]);
      buffer = this.take(buffer);
    });
  }

  /** Starts it, and waits until it is registered at `server`. */
  static async register(account: Account, server: string, toneHz: number): Promise<DeskTelephone> {
    for (let left = 2; ; left -= 1) {
      try {
        return await this.starts(account, server, toneHz);
      } catch (error) {
        // A port that was free a moment ago may be another's by now.
        if (left === 0 || !(error instanceof EndedAtOnce)) throw error;
      }
    }
  }

  private static async starts(account: Account, server: string, toneHz: number): Promise<DeskTelephone> {
    const folder = mkdtempSync(path.join(tmpdir(), 'ponte-desk-'));
    const [sip, control] = [await freePort(), await freePort()];
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'tone.wav'), toneWav(toneHz, 120));
    writeFileSync(path.join(folder, 'contacts'), '');
    writeFileSync(
      path.join(folder, 'accounts'),
      `<sip:${account.username}@${server};transport=udp>;regint=600;answermode=manual;audio_codecs=pcma/8000/1` +
        `;auth_user=${account.username};auth_pass=${account.password}\n`,
    );
    writeFileSync(
      path.join(folder, 'config'),
      [
        `sip_listen 127.0.0.1:${sip}`,
        'sip_transports udp,tcp',
        'net_interface 127.0.0.1',
        'rtp_ports 31000-31999',
        `audio_source aufile,${folder}/tone.wav`,
        `audio_player aubridge,ear${sip}`,
        'audio_srate 8000',
        'audio_channels 1',
        'ausrc_srate 8000',
        'auplay_srate 8000',
        `ctrl_tcp_listen 127.0.0.1:${control}`,
        'module_path /usr/lib/baresip/modules',
        ...MODULES.map((name) => `module ${name}.so`),
        ...APPS.map((name) => `module_app ${name}.so`),
        '',
      ].join('\n'),
    );
    const log = createWriteStream(path.join(folder, 'log'));
    await once(log, 'open');
    const child = spawn('baresip', ['-f', folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.on('error', () => undefined);
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    const socket = await connected(control, child);
    const telephone = new DeskTelephone(child, folder, socket);
    await expect
      .poll(() => telephone.log(), { message: 'the desk telephone is registered', timeout: PATIENCE_MS })
      .toContain(' binding');
    return telephone;
  }

  log(): string {
    return readFileSync(path.join(this.folder, 'log'), 'utf8');
  }

  dial(number: string): Promise<void> {
    return this.command('dial', number);
  }

  accept(): Promise<void> {
    return this.command('accept');
  }

  hangUp(): Promise<void> {
    return this.command('hangup');
  }

  /** How often it rang so far. */
  rang(): number {
    return this.events('CALL_INCOMING').length;
  }

  /** Waits until it rings for the `nth` time, from 1. */
  async rings(nth = 1): Promise<void> {
    await this.happens('CALL_INCOMING', nth);
  }

  /** Waits until its `nth` call is up, from 1. */
  async isUp(nth = 1): Promise<void> {
    await this.happens('CALL_ESTABLISHED', nth);
  }

  /** Waits until its `nth` call is over; why, e.g. `403 Forbidden`. */
  async isOver(nth = 1): Promise<string> {
    return (await this.happens('CALL_CLOSED', nth)).param ?? '';
  }

  /** Switches it off: it is registered no more, so that later tests find nobody at it. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.control.destroy();
    this.process.kill('SIGTERM');
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5_000))]);
    this.process.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private events(type: string): Said[] {
    return this.said.filter((said) => said.event && said.type === type);
  }

  private async happens(type: string, nth: number): Promise<Said> {
    await expect
      .poll(() => this.events(type).length, { message: `${type} of the desk telephone`, timeout: PATIENCE_MS })
      .toBeGreaterThanOrEqual(nth);
    return this.events(type)[nth - 1] ?? {};
  }

  private async command(command: string, params = ''): Promise<void> {
    this.tokens += 1;
    const token = String(this.tokens);
    const text = JSON.stringify({ command, params, token });
    this.control.write(`${Buffer.byteLength(text)}:${text},`);
    const answer = () => this.said.find((said) => said.token === token);
    await expect.poll(() => answer()?.ok, { message: `${command} ${params}` }).toBe(true);
  }

  /** Takes whole netstrings, and gives back what is left. */
  private take(buffer: Buffer): Buffer {
    for (;;) {
      const colon = buffer.indexOf(':');
      const length = Number.parseInt(buffer.subarray(0, Math.max(colon, 0)).toString(), 10);
      if (colon < 0 || buffer.length < colon + length + 2) return buffer;
      this.said.push(JSON.parse(buffer.subarray(colon + 1, colon + 1 + length).toString()) as Said);
      buffer = buffer.subarray(colon + length + 2);
    }
  }
}

class EndedAtOnce extends Error {
  constructor() {
    super('baresip does not start: is it installed?');
  }
}

/** The control port, as soon as it is open. */
async function connected(port: number, child: ChildProcess): Promise<Socket> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    if (child.exitCode !== null || child.pid === undefined) throw new EndedAtOnce();
    const socket = await new Promise<Socket | null>((resolve) => {
      const trying = connect(port, '127.0.0.1', () => resolve(trying));
      trying.once('error', () => resolve(null));
    });
    if (socket) {
      socket.on('error', () => undefined);
      return socket;
    }
    if (Date.now() > deadline) throw new Error('baresip takes no commands');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
