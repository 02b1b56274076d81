// A greeting by the portal: from the browser to the gateway in pieces, each acknowledged before the next.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { Edge, sleep, until } from "./support/edge.mjs";

const PIECE = 64 * 1024;
const MOST = 2 * 60 * 48_000 * 4 + 4096;

describe("uploads", () => {
  let edge, gateway, anna, bert;
  let pieces, files, answer, holding;

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway(["anna", "bert"]);
    anna = await edge.invite(gateway, "anna");
    bert = await edge.invite(gateway, "bert");
    serve();
  });
  beforeEach(async () => {
    pieces = [];
    files = new Map();
    answer = () => null;
    holding = false;
    // A user begins one upload a second, after five at once.
    await sleep(1100);
  });
  after(() => edge.stop());

  /** A gateway that takes what comes, or answers as `answer` says. */
  const serve = () => gateway.socket.on("message", (data) => {
    const frame = JSON.parse(data.toString());
    if (frame.type !== "put_audio") return;
    pieces.push(frame);
    if (!holding) take(frame);
  });
  const take = (frame) => {
    const { upload, offset, last } = frame;
    const bytes = Buffer.from(frame.base64, "base64");
    files.set(upload, Buffer.concat([files.get(upload) ?? Buffer.alloc(0), bytes]));
    gateway.send({ type: "audio_taken", upload, offset, taken: answer(frame) ?? (last ? "kept" : "more") });
  };
  const put = (body, { cookie = anna, sound = "greeting", type = "audio/wav", origin = edge.origin, method = "PUT" } = {}) =>
    fetch(`${edge.origin}/api/voicemail/${sound}`, {
      method,
      headers: { ...(origin && { Origin: origin }), ...(cookie && { Cookie: cookie }), ...(type && { "Content-Type": type }) },
      body,
    });
  const refused = async (response) => [response.status, (await response.json()).error.type];

  test("a file arrives byte for byte, in its user's name, a piece at a time", async () => {
    for (const [length, sound] of [[1, "name"], [PIECE, "greeting"], [PIECE + 1, "greeting"], [5 * PIECE + 99, "greeting"]]) {
      pieces = [];
      const file = randomBytes(length);
      const response = await put(file, { sound, cookie: bert });
      assert.equal(response.status, 204, `${length} bytes`);
      const [{ upload }] = pieces;
      assert.deepEqual(files.get(upload), file);
      assert.equal(pieces.length, Math.ceil(length / PIECE));
      assert.ok(pieces.every((one) => one.upload === upload && one.user === "bert" && one.sound === sound));
      assert.deepEqual(pieces.map((one) => one.last), pieces.map((_, n) => n === pieces.length - 1));
      await sleep(1000);
    }
  });

  test("the next piece waits until the gateway has taken the one before, and so does another upload", async () => {
    holding = true;
    const file = randomBytes(3 * PIECE);
    const sent = put(file);
    await until(() => pieces.length === 1, "the first piece");
    await sleep(500);
    assert.equal(pieces.length, 1);
    assert.deepEqual(await refused(await put(randomBytes(10))), [429, "too_many_requests"]);
    holding = false;
    take(pieces[0]);
    assert.equal((await sent).status, 204);
    assert.deepEqual(files.get(pieces[0].upload), file);
  });

  test("what the gateway refuses is told by status and type, and ends the upload", async () => {
    for (const [taken, status, type] of [
      ["not_permitted", 403, "not_permitted"],
      ["not_audio", 422, "not_audio"],
      ["too_long", 422, "sound_too_long"],
      ["too_short", 422, "sound_too_short"],
      ["out_of_order", 409, "upload_replaced"],
      ["disk_full", 507, "disk_full"],
      ["something_of_tomorrow", 503, "recording_unavailable"],
    ]) {
      pieces = [];
      answer = () => taken;
      assert.deepEqual(await refused(await put(randomBytes(2 * PIECE))), [status, type]);
      assert.equal(pieces.length, 1, taken);
      await sleep(1000);
    }
  });

  test("strangers, other pages, other types and other methods are turned away before the gateway hears of them", async () => {
    const file = randomBytes(100);
    assert.deepEqual(await refused(await put(file, { origin: "https://evil.example" })), [403, "foreign_origin"]);
    assert.deepEqual(await refused(await put(file, { origin: null })), [403, "foreign_origin"]);
    assert.deepEqual(await refused(await put(file, { cookie: null })), [401, "not_signed_in"]);
    assert.deepEqual(await refused(await put(file, { cookie: "__Host-ponte_session=" + "a".repeat(43) })), [401, "not_signed_in"]);
    for (const type of ["text/html", "audio/webm", null]) {
      assert.deepEqual(await refused(await put(file, { type })), [415, "unsupported_media_type"], type);
    }
    const posted = await put(file, { method: "POST" });
    assert.equal(posted.headers.get("allow"), "GET, PUT");
    assert.deepEqual(await refused(posted), [405, "method_not_allowed"]);
    assert.deepEqual(await refused(await put(file, { sound: "anthem" })), [404, "not_found"]);
    assert.equal(pieces.length, 0);
  });

  test("a file that is too large is refused by its length, and one that does not tell it on its way", { timeout: 60_000 }, async () => {
    const told = await put(Buffer.alloc(MOST + 1));
    assert.deepEqual(await refused(told), [413, "too_large"]);
    assert.equal(pieces.length, 0);
    const status = await new Promise((resolve, reject) => {
      const headers = { Origin: edge.origin, Cookie: anna, "Content-Type": "audio/wav" };
      const sent = httpRequest(`${edge.origin}/api/voicemail/greeting`, { method: "PUT", headers, agent: false }, (got) => {
        got.resume();
        resolve(got.statusCode);
      });
      sent.on("error", reject);
      const chunk = Buffer.alloc(1024 * 1024);
      for (let n = 0; n < 24; n += 1) sent.write(chunk);
      sent.end();
    });
    assert.equal(status, 413);
    assert.ok(pieces.every((one) => !one.last), "no end of it came");
  });

  test("what the gateway keeps is listened to in ranges, and held by nobody", async () => {
    const file = randomBytes(1000);
    const asked = [];
    gateway.socket.on("message", (data) => {
      const frame = JSON.parse(data.toString());
      if (frame.type !== "fetch_audio" || !frame.own) return;
      asked.push(frame);
      const part = frame.own === "greeting"
        ? { type: "bytes", total: file.length, offset: frame.offset, base64: file.subarray(frame.offset, frame.offset + frame.length).toString("base64") }
        : { type: "not_found" };
      gateway.send({ type: "audio", request: frame.request, part });
    });
    const get = (sound, headers = {}) => edge.request(`/api/voicemail/${sound}?v=7`, { cookie: anna, origin: null, headers });
    const whole = await get("greeting");
    assert.equal(whole.status, 200);
    assert.equal(whole.headers.get("etag"), null);
    assert.match(whole.headers.get("cache-control"), /no-store/);
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), file);
    const range = await get("greeting", { Range: "bytes=100-199" });
    assert.equal(range.status, 206);
    assert.deepEqual(Buffer.from(await range.arrayBuffer()), file.subarray(100, 200));
    assert.equal((await get("name")).status, 404);
    assert.ok(asked.every((one) => one.user === "anna"));
  });

  test("without a gateway it is 503 at once, also in the middle", { timeout: 30_000 }, async () => {
    holding = true;
    const sent = put(randomBytes(2 * PIECE));
    await until(() => pieces.length === 1, "the first piece");
    await gateway.terminate();
    assert.deepEqual(await refused(await sent), [503, "gateway_offline"]);
    assert.deepEqual(await refused(await put(randomBytes(10))), [503, "gateway_offline"]);
    assert.ok(!/panicked|RuntimeError/.test(edge.output), "the worker lives on");
  });
});
