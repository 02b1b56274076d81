// A gateway, as docs/protocol.md has it: what the media gateway does on its link, without telephones.

import { createHash, createHmac, randomBytes, randomUUID } from "node:crypto";
import { Frames } from "./frames.mjs";

export const proof = (key, by, site, edgeNonce, gatewayNonce) =>
  createHmac("sha256", key).update(`ponte-link-v1\n${by}\n${site}\n${edgeNonce}\n${gatewayNonce}`).digest("hex");

export const userState = (user, over = {}) => ({
  profile: {
    user,
    display_name: user.toUpperCase(),
    extension: "201",
    telecommuter_allowed: true,
    call_waiting_allowed: false,
    voicemail_allowed: true,
    pick_up_allowed: true,
    browser_allowed: false,
    recording_allowed: false,
    administrator: false,
    caller_id: { number: "+390212345600" },
    country: "IT",
    language: "it",
    emergency_numbers: ["112"],
    account_codes: "off",
  },
  mode: { type: "office" },
  destinations: [],
  calls: [],
  log: [],
  stations: [],
  presence: { availability: "available", since: 0, on_call: false },
  mailbox: {
    unheard: 0, total: 0, messages: [], quota_left_s: 0,
    greeting: { changed_at: 0, duration_ms: 0 }, name: { changed_at: 0, duration_ms: 0 },
  },
  settings: { no_answer_ms: 18_000, voicemail: true, call_waiting: true },
  rules: { forwarding: {}, exceptions: [] },
  profiles: [],
  schedule: [],
  parked: [],
  contacts: { version: 0, total: 0 },
  persistent_leg: { type: "off" },
  ...over,
});

export class Gateway extends Frames {
  constructor(...args) {
    super(...args);
    this.epoch = randomUUID();
    this.seq = 0;
  }

  static socket(edge, site = "demo") {
    return new Gateway(`${edge.origin.replace("http", "ws")}/link?site=${site}`, [], {});
  }

  /** Connects and proves itself. `from` continues the stream of an earlier link. */
  static async connect(edge, { site = "demo", key = edge.key, from } = {}) {
    const gateway = Gateway.socket(edge, site);
    await gateway.opened;
    if (from) Object.assign(gateway, { epoch: from.epoch, seq: from.seq });
    const challenge = await gateway.take("challenge");
    const nonce = randomBytes(32).toString("hex");
    gateway.send({
      type: "authenticate",
      site,
      versions: { oldest: 1, newest: 1 },
      nonce,
      proof: proof(key, "gateway", site, challenge.nonce, nonce),
    });
    gateway.welcome = await gateway.take("welcome");
    if (gateway.welcome.proof !== proof(key, "edge", site, challenge.nonce, nonce)) {
      throw new Error("the edge has not proven the key");
    }
    return gateway;
  }

  /** Names the users, and waits until the edge has taken it in. */
  async setUsers(users) {
    this.send({ type: "users", users: users.map((user) => ({ user, display_name: user.toUpperCase() })) });
    await this.settled();
  }

  /** Everything sent before has been taken in. */
  async settled() {
    const n = Math.floor(Math.random() * 2 ** 40);
    this.send({ type: "ping", n });
    await this.take((frame) => frame.type === "pong" && frame.n === n);
  }

  /** Invites a user; gives the token. */
  invite(user, { lifetimeMs = 60_000, token = randomBytes(24).toString("base64url") } = {}) {
    const hash = createHash("sha256").update(token).digest("hex");
    this.send({ type: "invitation", user, token_hash: hash, expires_at: Date.now() + lifetimeMs });
    return token;
  }

  event(user, body, position = { epoch: this.epoch, seq: ++this.seq }) {
    const event = { position, user, at: Date.now(), body };
    this.send({ type: "event", event });
    return event;
  }

  state(user, over) {
    return this.event(user, { type: "state", state: userState(user, over) });
  }

  acknowledged(seq = this.seq) {
    return this.take((frame) => frame.type === "ack" && frame.position.epoch === this.epoch && frame.position.seq >= seq, 30_000);
  }

  reply(user, id, outcome = { type: "accepted" }) {
    this.send({ type: "reply", user, reply: { id, outcome } });
  }

  command(id) {
    return this.take((frame) => frame.type === "command" && (!id || frame.command.id === id));
  }
}
