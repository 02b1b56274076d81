import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const START_MS = 30_000;

/** Somebody in the directory: attributes, each with its values. */
export type Person = Record<string, string | string[]>;

/** OpenLDAP's server on loopback, with people of the test's own. `cargo xtask setup` unpacks it; it is not installed. */
export class Slapd {
  static readonly base = 'dc=example,dc=com';
  /** Who alone may see the people, and with what password. */
  static readonly user = 'cn=ponte,dc=example,dc=com';
  static readonly password = 'directory-secret';
  private server?: ChildProcess;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(people: Person[]): Promise<Slapd> {
    const folder = mkdtempSync(path.join(tmpdir(), 'ponte-slapd-'));
    mkdirSync(path.join(folder, 'data'));
    const schema = (name: string) => `include ${path.join(root(), 'etc/ldap/schema', `${name}.schema`)}`;
    const config = [
      ...['core', 'cosine', 'inetorgperson'].map(schema),
      `pidfile ${folder}/pid`,
      'database ldif',
      `suffix "${Slapd.base}"`,
      `rootdn "${Slapd.user}"`,
      `rootpw ${Slapd.password}`,
      `directory ${folder}/data`,
      'access to * by anonymous auth',
    ];
    writeFileSync(path.join(folder, 'slapd.conf'), `${config.join('\n')}\n`);
    writeFileSync(path.join(folder, 'people.ldif'), ldif(people));
    const server = new Slapd(folder, await freePort());
    await run(program(), ['-T', 'add', '-f', `${folder}/slapd.conf`, '-l', `${folder}/people.ldif`], { env: environment() });
    await server.serve();
    return server;
  }

  get url(): string {
    return `ldap://127.0.0.1:${this.port}`;
  }

  /** Starts it, again where it was; resolves when it answers. */
  async serve(): Promise<void> {
    const args = ['-h', this.url, '-d', '0', '-f', path.join(this.folder, 'slapd.conf')];
    const server = spawn(program(), args, { env: environment(), stdio: 'ignore' });
    this.server = server;
    const until = Date.now() + START_MS;
    while (!(await answers(this.port))) {
      if (server.exitCode !== null || Date.now() > until) throw new Error('slapd does not serve');
      await pause(20);
    }
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    const server = this.server;
    delete this.server;
    if (!server || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function root(): string {
  const cache = process.env.PONTE_CACHE ?? path.join(homedir(), '.cache/ponte');
  const found = path.join(process.env.PONTE_UNPACKED ?? path.join(cache, 'unpacked'), 'slapd');
  if (!existsSync(path.join(found, 'usr/sbin/slapd'))) throw new Error(`no slapd in ${found}: cargo xtask setup unpacks it`);
  return found;
}

function program(): string {
  return path.join(root(), 'usr/sbin/slapd');
}

function environment(): NodeJS.ProcessEnv {
  const libraries = path.join(root(), 'usr/lib');
  // Debian keeps them by architecture.
  const own = readdirSync(libraries, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const folders = [...own.map((entry) => path.join(libraries, entry.name)), libraries];
  return { ...process.env, LD_LIBRARY_PATH: folders.join(':') };
}

function ldif(people: Person[]): string {
  const entry = (person: Person, number: number) => [
    `dn: uid=${number},${Slapd.base}`,
    'objectClass: inetOrgPerson',
    `uid: ${number}`,
    ...Object.entries(person).flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}`)),
  ];
  const company = [`dn: ${Slapd.base}`, 'objectClass: dcObject', 'objectClass: organization', 'dc: example', 'o: Example'];
  return [company, ...people.map(entry)].map((lines) => `${lines.join('\n')}\n`).join('\n');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}
