// A TCP connection as a link with loss makes it: TCP repairs what is lost, so loss is seen as delay. A segment that is
// lost comes a retransmission time-out later, which doubles with every further loss (RFC 6298), and what follows waits
// for it.

import { connect, createServer } from "node:net";

const RTO_MS = 200;

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class LossyLink {
  /** Listens on `port`, and leads to `to`. */
  static async open(to, { loss, delayMs, seed }) {
    const link = new LossyLink();
    link.sockets = new Set();
    const chance = random(seed);
    const pass = (from, into) => {
      let free = 0;
      const waiting = [];
      // Timers that are due in the same millisecond keep no order, so each hands over whatever is due.
      const handOver = () => {
        while (waiting.length > 0 && waiting[0].at <= Date.now()) {
          const { chunk } = waiting.shift();
          if (!into.destroyed) into.write(chunk);
        }
        if (waiting.length > 0) setTimeout(handOver, waiting[0].at - Date.now());
      };
      from.on("data", (chunk) => {
        let delay = delayMs;
        for (let rto = RTO_MS; chance() < loss && rto <= 8 * RTO_MS; rto *= 2) delay += rto;
        free = Math.max(free, Date.now() + delay);
        waiting.push({ at: free, chunk });
        if (waiting.length === 1) setTimeout(handOver, free - Date.now());
      });
      from.on("error", () => {});
      from.on("close", () => setTimeout(() => into.destroy(), Math.max(0, free - Date.now()) + 1));
    };
    link.server = createServer((near) => {
      const far = connect(to, "127.0.0.1");
      near.setNoDelay(true);
      far.setNoDelay(true);
      for (const socket of [near, far]) {
        link.sockets.add(socket);
        socket.on("close", () => link.sockets.delete(socket));
      }
      pass(near, far);
      pass(far, near);
    });
    await new Promise((resolve) => link.server.listen(0, "127.0.0.1", resolve));
    link.port = link.server.address().port;
    return link;
  }

  /** Every connection is lost at once; new ones may come. */
  cut() {
    for (const socket of this.sockets) socket.destroy();
  }

  async close() {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
