// A gateway's voicemail: recordings of its users, given out in the pieces that the edge asks for.

import { randomBytes, randomUUID } from "node:crypto";

export class Recordings {
  constructor(gateway) {
    this.kept = new Map();
    this.reset();
    this.moveTo(gateway);
  }

  /** Forgets what was asked, and answers truly again. */
  reset() {
    this.asked = [];
    this.held = [];
    this.holding = () => false;
    this.answer = null;
    this.open = 0;
    this.most = 0;
  }

  /** Answers over this link, also what it was asked before. */
  moveTo(gateway) {
    this.gateway = gateway;
    for (const frame of gateway.takeAll("fetch_audio")) this.take(frame);
    gateway.socket.on("message", (data) => {
      const frame = JSON.parse(data.toString());
      if (frame.type === "fetch_audio") this.take(frame);
    });
  }

  keep(user, length) {
    const recording = { id: randomUUID(), user, file: randomBytes(length) };
    this.kept.set(recording.id, recording);
    return recording;
  }

  /** Answers nothing that matches until it is released. */
  hold(matches) {
    this.holding = matches;
  }

  release() {
    this.holding = () => false;
    for (const frame of this.held.splice(0)) this.give(frame);
  }

  take(frame) {
    this.asked.push(frame);
    this.open += 1;
    this.most = Math.max(this.most, this.open);
    if (this.holding(frame)) this.held.push(frame);
    else setImmediate(() => this.give(frame));
  }

  give(frame) {
    const { request, user, message, offset, length } = frame;
    this.open -= 1;
    const recording = this.kept.get(message);
    let part = this.answer?.(frame);
    if (!part) {
      part = recording?.user === user
        ? { type: "bytes", total: recording.file.length, offset, base64: recording.file.subarray(offset, offset + length).toString("base64") }
        : { type: "not_found" };
    }
    if (this.gateway.socket.readyState === this.gateway.socket.OPEN) this.gateway.send({ type: "audio", request, part });
  }
}
