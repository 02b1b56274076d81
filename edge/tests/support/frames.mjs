// A WebSocket whose frames can be waited for, in order.

import WebSocket from "ws";

export class Frames {
  constructor(url, protocols, headers) {
    this.socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false });
    this.received = [];
    this.waiting = [];
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code) => resolve(code));
    });
    this.socket.on("message", (data) => {
      this.received.push(JSON.parse(data.toString()));
      this.serve();
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on("open", resolve);
      this.socket.on("unexpected-response", (_request, response) => {
        reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }));
        this.socket.terminate();
      });
      this.socket.on("error", reject);
    });
    this.opened.catch(() => {});
  }

  serve() {
    this.waiting = this.waiting.filter(({ matches, resolve }) => {
      const at = this.received.findIndex(matches);
      if (at < 0) return true;
      resolve(this.received.splice(at, 1)[0]);
      return false;
    });
  }

  /** Takes the first frame that matches: a type, or a function. Frames before it stay. */
  take(wanted, timeoutMs = 5000) {
    const matches = typeof wanted === "function" ? wanted : (frame) => frame.type === wanted;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((entry) => entry.matches !== matches);
        reject(new Error(`waited in vain for ${wanted}; there was ${JSON.stringify(this.received).slice(0, 600)}`));
      }, timeoutMs);
      this.waiting.push({ matches, resolve: (frame) => { clearTimeout(timer); resolve(frame); } });
      this.serve();
    });
  }

  /** All frames of a type that have come so far, taken. */
  takeAll(type) {
    const taken = this.received.filter((frame) => frame.type === type);
    this.received = this.received.filter((frame) => frame.type !== type);
    return taken;
  }

  send(frame) {
    this.socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** The other end has sent its close frame; the connection under it may take longer to go. */
  async closing(timeoutMs = 5000) {
    const end = Date.now() + timeoutMs;
    while (this.socket.readyState === this.socket.OPEN) {
      if (Date.now() > end) throw new Error(`the socket is still open after ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  close() {
    this.socket.close();
    return this.closed;
  }

  terminate() {
    this.socket.terminate();
    return this.closed;
  }
}
