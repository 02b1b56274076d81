// The portal's lasting files: in which coding they are sent, and that browsers may keep them.

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { Edge } from "./support/edge.mjs";

const SCRIPT = "export {};".repeat(100);
const FILE = "/assets/app-0123.js";
const KEPT = "public, max-age=31536000, immutable";

describe("assets", () => {
  let edge;

  before(async () => {
    edge = await Edge.start();
  });
  after(() => edge.stop());

  /** An answer as it comes over the wire: `fetch` would undo its coding. */
  function get(path, headers = {}, method = "GET") {
    return new Promise((resolve, reject) => {
      const asked = request(`${edge.origin}${path}`, { method, headers }, async (answer) => {
        const body = Buffer.concat(await answer.toArray());
        resolve({ status: answer.statusCode, headers: answer.headers, body });
      });
      asked.on("error", reject).end();
    });
  }

  const decoded = { br: brotliDecompressSync, gzip: gunzipSync, undefined: (body) => body };

  test("a client gets the coding that it wants, the smallest among equals", async () => {
    for (const [accept, coding] of [
      ["br", "br"],
      ["gzip", "gzip"],
      ["br, gzip", "br"],
      ["gzip;q=0.5, br;q=0", "gzip"],
      ["identity", undefined],
      ["identity;q=1, br;q=0.1", undefined],
      ["br;q=0", undefined],
      ["deflate", undefined],
      ["", undefined],
      [undefined, undefined],
    ]) {
      const answer = await get(FILE, accept === undefined ? {} : { "Accept-Encoding": accept });
      assert.equal(answer.status, 200, accept);
      assert.equal(answer.headers["content-encoding"], coding, accept);
      assert.equal(decoded[coding](answer.body).toString(), SCRIPT, accept);
      assert.equal(answer.headers["content-type"], "text/javascript; charset=utf-8", accept);
      assert.equal(answer.headers.vary, "Accept-Encoding", accept);
      assert.equal(answer.headers["cache-control"], KEPT, accept);
      assert.match(answer.headers["content-security-policy"], /script-src 'self' 'wasm-unsafe-eval';/, accept);
      assert.equal(answer.headers["x-content-type-options"], "nosniff", accept);
    }
  });

  test("what a client holds is not sent again, each coding by its own tag", async () => {
    const tags = new Set();
    for (const accept of ["br", "gzip", "identity"]) {
      const headers = { "Accept-Encoding": accept };
      const { etag } = (await get(FILE, headers)).headers;
      tags.add(etag);
      const again = await get(FILE, { ...headers, "If-None-Match": etag });
      assert.equal(again.status, 304, accept);
      assert.equal(again.body.length, 0, accept);
      assert.equal(again.headers.etag, etag, accept);
      assert.equal(again.headers.vary, "Accept-Encoding", accept);
      assert.equal(again.headers["cache-control"], KEPT, accept);
    }
    assert.equal(tags.size, 3);
    const [brotli] = tags;
    const other = await get(FILE, { "Accept-Encoding": "gzip", "If-None-Match": brotli });
    assert.equal(other.status, 200, "the tag of another coding");
  });

  test("HEAD tells what GET would send, and a range is of the file that is not coded", async () => {
    const head = await get(FILE, { "Accept-Encoding": "br" }, "HEAD");
    assert.equal(head.status, 200);
    assert.equal(head.headers["content-encoding"], "br");
    assert.equal(head.body.length, 0);
    const plain = await get(FILE, { "Accept-Encoding": "identity" });
    // Here wrangler compresses what is not, as Cloudflare does.
    const range = await get(FILE, { "Accept-Encoding": "br", Range: "bytes=0-8" });
    assert.equal(range.headers.etag, plain.headers.etag);
    const body = decoded[range.headers["content-encoding"]](range.body).toString();
    assert.equal(body, range.status === 206 ? SCRIPT.slice(0, 9) : SCRIPT);
  });

  test("a file that was not compressed is sent as it is", async () => {
    const answer = await get("/assets/plain-0123.js", { "Accept-Encoding": "identity, br;q=0.5" });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-encoding"], undefined);
    const wanted = await edge.request("/assets/plain-0123.js", { headers: { "Accept-Encoding": "br" } });
    assert.equal(await wanted.text(), SCRIPT);
  });

  test("a file of another build is missing, and no page that a browser keeps for a year", async () => {
    for (const path of ["/assets/app-9999.js", "/ponte-app-9999_bg.wasm", "/admin/assets/x.css", "/admin/ponte-admin-9.js", "/assets/"]) {
      const answer = await edge.request(path);
      assert.equal(answer.status, 404, path);
      assert.equal(answer.headers.get("cache-control"), "no-store", path);
      assert.deepEqual((await answer.json()).error, { type: "not_found" }, path);
    }
    const written = await edge.request(FILE, { method: "POST", body: "{}" });
    assert.equal(written.status, 405);
    assert.equal(written.headers.get("allow"), "GET, HEAD");
  });
});
