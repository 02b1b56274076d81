// A portal that keeps itself connected: it resumes, and sends again what has no answer. It may have two ways to the edge,
// as a portal has where packets are lost (docs/adr/0038).

import { Frames } from "./frames.mjs";
import { command } from "./portal.mjs";
import { sleep } from "./edge.mjs";

export class Client {
  /** Connects to the edge through each of `ports`, with a socket a port. */
  static async start(edge, cookie, ...ports) {
    const client = new Client();
    Object.assign(client, { edge, cookie, connects: 0, unanswered: new Map(), presence: null, position: null, stopped: false });
    client.ways = ports.map((port) => ({ port, frames: null }));
    for (const way of client.ways) {
      const ready = new Promise((resolve) => { way.ready = resolve; });
      way.running = client.run(way);
      await ready;
    }
    return client;
  }

  async run(way) {
    while (!this.stopped) {
      try {
        await this.connect(way);
        await way.frames.closed;
      } catch {
        // Tried again below.
      }
      way.frames = null;
      await sleep(20 + Math.random() * 30);
    }
  }

  async connect(way) {
    const ticket = await this.edge.ticket(this.cookie);
    const headers = { Cookie: this.cookie, Origin: this.edge.origin, Host: new URL(this.edge.origin).host };
    const frames = new Frames(`ws://127.0.0.1:${way.port}/api/socket`, ["ponte.v1", `ticket.${ticket}`], headers);
    frames.socket.on("error", () => {});
    frames.socket.on("message", (data) => this.hear(JSON.parse(data.toString())));
    way.frames = frames;
    await frames.opened;
    frames.send({ type: "hello", versions: { oldest: 1, newest: 1 }, ...(this.position ? { resume: this.position } : {}), ...(way === this.ways[0] ? {} : { second: true }) });
    await frames.take((frame) => frame.type === "snapshot" || frame.type === "resumed", 15_000);
    this.connects += 1;
    for (const { sent } of this.unanswered.values()) frames.send({ type: "command", command: sent });
    way.ready();
  }

  hear(frame) {
    if (frame.type === "snapshot") {
      const { log, seq, state } = frame.snapshot;
      if (this.position?.log === log && this.position.seq > seq) return;
      this.position = { log, seq };
      this.presence = state?.presence ?? null;
    } else if (frame.type === "event" && frame.event.seq > this.position.seq) {
      this.position.seq = frame.event.seq;
      const { body } = frame.event;
      if (body.type === "presence_changed") this.presence = body.presence;
      if (body.type === "state") this.presence = body.state.presence;
    } else if (frame.type === "reply") {
      this.unanswered.get(frame.reply.id)?.resolve(frame.reply.outcome);
      this.unanswered.delete(frame.reply.id);
    }
  }

  /** Asks for something on every way; gives what becomes of it, however often it must be sent. */
  ask(body) {
    const sent = command(body, { lifetimeMs: 30_000 });
    return new Promise((resolve) => {
      this.unanswered.set(sent.id, { sent, resolve });
      for (const { frames } of this.ways) {
        if (frames?.socket.readyState === 1) frames.send({ type: "command", command: sent });
      }
    });
  }

  async stop() {
    this.stopped = true;
    for (const { frames } of this.ways) frames?.terminate();
    await Promise.all(this.ways.map(({ running }) => running));
  }
}
