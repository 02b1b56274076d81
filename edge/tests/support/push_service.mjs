// A push service, and a browser that subscribed with it: checks who sends (RFC 8292) and decrypts (RFC 8291) with node's
// own cryptography.

import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from "node:crypto";
import { createServer } from "node:http";
import { until } from "./wait.mjs";

const info = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

/** What a browser keeps of its subscription. */
export class Browser {
  constructor(service, path = `/push/${randomBytes(12).toString("hex")}`) {
    this.path = path;
    this.endpoint = `${service.origin}${path}`;
    this.ecdh = createECDH("prime256v1");
    this.public = this.ecdh.generateKeys();
    this.auth = randomBytes(16);
  }

  /** As `PushSubscription.toJSON()` gives it. */
  toJSON() {
    const keys = { p256dh: this.public.toString("base64url"), auth: this.auth.toString("base64url") };
    return { endpoint: this.endpoint, expirationTime: null, keys };
  }

  decrypt(body) {
    const [salt, rs, idLength] = [body.subarray(0, 16), body.readUInt32BE(16), body[20]];
    if (idLength !== 65 || body.length - 86 > rs) throw new Error("not one record of an aes128gcm body");
    const [sender, record] = [body.subarray(21, 86), body.subarray(86)];
    const shared = this.ecdh.computeSecret(sender);
    const material = hkdfSync("sha256", shared, this.auth, info("WebPush: info\0", this.public, sender), 32);
    const derive = (what, length) =>
      Buffer.from(hkdfSync("sha256", Buffer.from(material), salt, info(`Content-Encoding: ${what}\0`), length));
    const cipher = createDecipheriv("aes-128-gcm", derive("aes128gcm", 16), derive("nonce", 12));
    cipher.setAuthTag(record.subarray(-16));
    const plain = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()]);
    const end = plain.findLastIndex((byte) => byte !== 0);
    if (plain[end] !== 2) throw new Error("the last record does not end as one");
    return JSON.parse(plain.subarray(0, end).toString());
  }
}

/** What an `Authorization` header says, once its signature is good. */
export function readVapid(header) {
  const [, token, key] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(header);
  const [head, claims, signature] = token.split(".");
  const point = Buffer.from(key, "base64url");
  if (point.length !== 65 || point[0] !== 4) throw new Error("no point of P-256");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString("base64url"));
  const publicKey = createPublicKey({ format: "jwk", key: { kty: "EC", crv: "P-256", x, y } });
  const signed = verify("sha256", Buffer.from(`${head}.${claims}`), { key: publicKey, dsaEncoding: "ieee-p1363" },
    Buffer.from(signature, "base64url"));
  if (!signed) throw new Error("the signature is not that of the key");
  const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
  return { key, header: read(head), claims: read(claims) };
}

export class PushService {
  static async open() {
    const service = new PushService();
    service.received = [];
    service.answers = new Map();
    service.server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method, url: path, headers } = request;
      service.received.push({ method, path, headers, body: Buffer.concat(chunks), at: Date.now() });
      const answer = service.answers.get(path) ?? ((to) => to.writeHead(201).end());
      answer(response);
    });
    await new Promise((resolve) => service.server.listen(0, "127.0.0.1", resolve));
    service.origin = `http://127.0.0.1:${service.server.address().port}`;
    return service;
  }

  /** Answers what comes for a browser with this status from here on; `null`: not at all. */
  answer(browser, status, headers = {}) {
    this.answers.set(browser.path, (to) => { if (status) to.writeHead(status, headers).end(); });
  }

  /** What came for a browser, or for a path. */
  of({ path }) {
    return this.received.filter((one) => one.path === path);
  }

  /** Waits for the `count`th message for a browser; gives the last, read. */
  async message(browser, count = 1, timeoutMs = 10_000) {
    await until(() => this.of(browser).length >= count, `message ${count}`, timeoutMs);
    const last = this.of(browser).at(count - 1);
    return { ...last, text: browser.decrypt(last.body) };
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
