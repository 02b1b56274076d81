// A portal, as docs/protocol.md has it.

import { randomUUID } from "node:crypto";
import { Frames } from "./frames.mjs";

export const dial = (number = "+390212345678") => ({ type: "dial", number });

export function command(body, { id = randomUUID(), lifetimeMs = 10_000 } = {}) {
  const now = Date.now();
  return { id, issued_at: now, expires_at: now + lifetimeMs, body };
}

export class Portal extends Frames {
  static async open(edge, cookie, ticket, { origin = edge.origin, protocols } = {}) {
    const url = `${edge.origin.replace("http", "ws")}/api/socket`;
    const headers = { Cookie: cookie ?? "" };
    if (origin) headers.Origin = origin;
    const portal = new Portal(url, protocols ?? ["ponte.v1", `ticket.${ticket}`], headers);
    await portal.opened;
    return portal;
  }

  /** Says hello; gives the snapshot or `resumed`. */
  async hello(resume, second = false) {
    this.send({ type: "hello", versions: { oldest: 1, newest: 1 }, ...(resume ? { resume } : {}), ...(second ? { second } : {}) });
    this.started = await this.take((frame) => ["snapshot", "resumed", "error"].includes(frame.type));
    return this.started;
  }

  /** Sends a command; gives what becomes of it. */
  async ask(body, options) {
    const sent = command(body, options);
    this.send({ type: "command", command: sent });
    return this.reply(sent.id, options?.timeoutMs);
  }

  async reply(id, timeoutMs) {
    const frame = await this.take((one) => one.type === "reply" && one.reply.id === id, timeoutMs);
    return frame.reply.outcome;
  }

  event(matches = () => true) {
    return this.take((frame) => frame.type === "event" && matches(frame.event)).then((frame) => frame.event);
  }
}
