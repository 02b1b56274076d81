import { expect } from '@playwright/test';
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { copyFileSync, createWriteStream, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { promisify } from 'node:util';

/** A part of the stack that can be stopped on its own. */
export type Service = 'carrier' | 'edge' | 'gateway';

/** Somebody who can sign in. */
export interface Person {
  name: string;
  display_name: string;
  password: string;
  /** For telephones. */
  pin: string;
  extension: string;
  /** What reaches the person from outside. */
  number: string;
  desk: { username: string; password: string };
  destinations: { label: string; number: string }[];
}

interface Ready {
  url: string;
  carrier: string;
  metrics: string;
  /** Where telephones register. */
  sip: string;
  data: string;
  people: Person[];
  logs: Record<Service, string>;
  programs: { gateway: string };
}

interface Answer {
  ok: boolean;
  error?: string;
}

const START_MS = 10 * 60_000;
const run = promisify(execFile);

/** The whole of Ponte with a simulated carrier, run by `cargo xtask demo --json --fresh`. */
export class Stack {
  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly lines: AsyncIterator<string>,
    private readonly input: Interface,
    private readonly logFolder: string,
    readonly ready: Ready,
  ) {}

  /** `pushService`: the origin of one on this machine that the edge may tell of calls. */
  static async start(logFolder: string, pushService: string): Promise<Stack> {
    const root = process.env.PONTE_ROOT ?? path.resolve(import.meta.dirname, '../..');
    const xtask = process.env.PONTE_XTASK;
    const args = ['demo', '--json', '--fresh', '--push-service', pushService];
    const child = xtask
      ? spawn(xtask, args, { cwd: root })
      : spawn('cargo', ['xtask', ...args], { cwd: root });
    mkdirSync(logFolder, { recursive: true });
    const log = path.join(logFolder, `stack-${child.pid}.log`);
    child.stderr.pipe(createWriteStream(log));
    const input = createInterface({ input: child.stdout });
    const lines = input[Symbol.asyncIterator]();
    const timer = setTimeout(() => child.kill('SIGTERM'), START_MS);
    try {
      const line = await lines.next();
      if (line.done) throw new Error(`the stack did not start: see ${log}`);
      return new Stack(child, lines, input, logFolder, JSON.parse(line.value) as Ready);
    } finally {
      clearTimeout(timer);
    }
  }

  get url(): string {
    return this.ready.url;
  }

  person(name: string): Person {
    const person = this.ready.people.find((one) => one.name === name);
    if (!person) throw new Error(`nobody is called ${name}`);
    return person;
  }

  /** Ends a service as a power cut would. */
  kill(service: Service): Promise<void> {
    return this.command(`kill ${service}`);
  }

  /** Starts a service again; resolves when it answers. */
  start(service: Service): Promise<void> {
    return this.command(`start ${service}`);
  }

  /** Fails if a service ended by itself. */
  check(): Promise<void> {
    return this.command('check');
  }

  /** The gateway has each of these trunks in service: one that failed is tried again by itself. */
  async trunksAreUp(trunks: readonly string[]): Promise<void> {
    await expect(async () => {
      const metrics = await (await fetch(this.ready.metrics)).text();
      for (const trunk of trunks) expect(metrics).toContain(`ponte_trunk_up{trunk="${trunk}"} 1\n`);
    }).toPass({ timeout: 30_000, intervals: [100] });
  }

  /** Runs a command of the gateway's program on its store. */
  async gateway(...args: string[]): Promise<string> {
    const config = path.join(this.ready.data, 'ponte.toml');
    const { stdout } = await run(this.ready.programs.gateway, ['--config', config, ...args]);
    return stdout;
  }

  /** The same, for a command that reads a line, such as a password. */
  async gatewayWith(line: string, ...args: string[]): Promise<string> {
    const config = path.join(this.ready.data, 'ponte.toml');
    const running = run(this.ready.programs.gateway, ['--config', config, ...args]);
    running.child.stdin?.end(`${line}\n`);
    return (await running).stdout;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin.end();
    await ended;
    this.input.close();
    // The next stack writes its logs into the same files.
    for (const [service, log] of Object.entries(this.ready.logs)) {
      const kept = path.join(this.logFolder, `stack-${this.child.pid}-${service}.log`);
      if (existsSync(log)) copyFileSync(log, kept);
    }
  }

  private async command(line: string): Promise<void> {
    this.child.stdin.write(`${line}\n`);
    const answer = await this.lines.next();
    if (answer.done) throw new Error(`the stack ended before it answered "${line}"`);
    const { ok, error } = JSON.parse(answer.value) as Answer;
    if (!ok) throw new Error(`${line}: ${error}`);
  }
}
