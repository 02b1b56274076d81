// The built edge in workerd, on a port and a storage folder of its own.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { Gateway } from "./gateway.mjs";
import { Portal } from "./portal.mjs";
import { sleep, until } from "./wait.mjs";

export { sleep, until };

const folder = fileURLToPath(new URL("../..", import.meta.url));

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Edge {
  /** `dist`: the built portal; without it, a page that stands in for it. `vars`: variables of the worker. */
  static async start({ dist, vars = {} } = {}) {
    const edge = new Edge();
    edge.dist = dist;
    edge.home = await mkdtemp(join(tmpdir(), "ponte-edge-"));
    edge.key = randomBytes(32);
    edge.output = "";
    await mkdir(join(edge.home, "dist/assets"), { recursive: true });
    await writeFile(join(edge.home, "dist/index.html"), "<!doctype html><title>Ponte</title>");
    const script = Buffer.from("export {};".repeat(100));
    await writeFile(join(edge.home, "dist/assets/app-0123.js"), script);
    await writeFile(join(edge.home, "dist/assets/app-0123.js.br"), brotliCompressSync(script));
    await writeFile(join(edge.home, "dist/assets/app-0123.js.gz"), gzipSync(script));
    await writeFile(join(edge.home, "dist/assets/plain-0123.js"), script);
    await copyFile(join(folder, "../public/_headers"), join(edge.home, "dist/_headers"));
    const keys = JSON.stringify({ demo: edge.key.toString("hex"), other: "22".repeat(32) });
    await writeFile(join(edge.home, "vars"), [["LINK_KEYS", keys], ...Object.entries(vars)].map(([name, value]) => `${name}='${value}'\n`).join(""));
    await edge.run();
    return edge;
  }

  async run() {
    this.port = await freePort();
    this.origin = `http://localhost:${this.port}`;
    const args = [
      "dev", "--local", "--ip", "127.0.0.1", "--port", String(this.port), "--inspector-port", "0",
      "--persist-to", join(this.home, "state"), "--env-file", join(this.home, "vars"),
      "--assets", this.dist ?? join(this.home, "dist"), "--show-interactive-dev-session=false",
    ];
    this.process = spawn(join(folder, "node_modules/.bin/wrangler"), args, {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG_PATH: join(this.home, "logs"), CI: "1" },
    });
    const keep = (chunk) => { this.output += chunk; };
    this.process.stdout.on("data", keep);
    this.process.stderr.on("data", keep);
    const { process: child } = this;
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`wrangler ended:\n${this.output}`);
      return fetch(`${this.origin}/api/health`).then((answer) => answer.ok, () => false);
    }, "the edge to answer", 60_000).catch((error) => {
      throw new Error(`${error.message}\n${this.output}`);
    });
  }

  /** Ends workerd the hard way; what it stored stays. */
  async kill() {
    const { process: child } = this;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      return;
    }
    await ended;
  }

  async restart() {
    await this.kill();
    await this.run();
  }

  /** Everything that lies in the storage folder, as bytes. */
  async stored() {
    const entries = await readdir(join(this.home, "state"), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const read = (file) => readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0));
    return Buffer.concat(await Promise.all(files.map(read)));
  }

  async stop() {
    await this.kill();
    await rm(this.home, { recursive: true, force: true });
  }

  /** A request as the portal's page makes it. */
  request(path, { body, cookie, origin = this.origin, method, headers = {}, network } = {}) {
    const sent = { ...headers };
    if (origin) sent.Origin = origin;
    if (cookie) sent.Cookie = cookie;
    if (network) sent["CF-Connecting-IP"] = network;
    if (body !== undefined && !("Content-Type" in sent)) sent["Content-Type"] = "application/json";
    return fetch(`${this.origin}${path}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: sent,
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
      redirect: "manual",
    });
  }

  /** Connects a gateway that names these users. */
  async gateway(users = ["anna"], options = {}) {
    const gateway = await Gateway.connect(this, options);
    await gateway.setUsers(users);
    return gateway;
  }

  /** Signs in; gives the cookie. */
  async signIn(user, password, options = {}) {
    const answer = await this.request("/api/sign-in", { body: { user, password }, ...options });
    if (answer.status !== 204) throw new Error(`sign-in of ${user}: ${answer.status} ${await answer.text()}`);
    return answer.headers.get("set-cookie").split(";")[0];
  }

  /** Gives a user a password through an invitation, and signs in with it. */
  async invite(gateway, user, password = "correct horse battery") {
    const token = gateway.invite(user);
    const answer = await until(async () => {
      const sent = await this.request("/api/invitation", { body: { token, password } });
      return sent.status === 404 ? null : sent;
    }, "the invitation");
    if (answer.status !== 204) throw new Error(`invitation: ${answer.status} ${await answer.text()}`);
    return answer.headers.get("set-cookie").split(";")[0];
  }

  /** Who is signed in with this cookie; `null` for nobody. */
  async session(cookie) {
    const answer = await this.request("/api/session", { cookie });
    if (answer.status !== 200) throw new Error(`session: ${answer.status}`);
    return answer.json();
  }

  async ticket(cookie) {
    const answer = await this.request("/api/ticket", { method: "POST", cookie });
    if (answer.status !== 200) throw new Error(`ticket: ${answer.status}`);
    return (await answer.json()).ticket;
  }

  /** Opens a portal's socket and says hello. */
  async portal(cookie, options = {}) {
    const portal = await Portal.open(this, cookie, await this.ticket(cookie));
    await portal.hello(options.resume, options.second);
    return portal;
  }
}
