// Recordings of voicemail: from the gateway, in pieces, to whoever listens.

import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { request as httpRequest } from "node:http";
import { after, before, beforeEach, describe, test } from "node:test";
import { Edge, sleep, until } from "./support/edge.mjs";
import { Recordings } from "./support/recordings.mjs";

const PIECE = 64 * 1024;

describe("recordings", () => {
  let edge, gateway, anna, bert, recordings;

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway(["anna", "bert"]);
    anna = await edge.invite(gateway, "anna");
    bert = await edge.invite(gateway, "bert");
    recordings = new Recordings(gateway);
  });
  beforeEach(() => recordings.reset());
  after(() => edge.stop());

  const path = (id, query = "") => `/api/messages/${id}/audio${query}`;
  const get = (id, { cookie = anna, range, query = "", method = "GET", headers = {} } = {}) =>
    edge.request(path(id, query), { cookie, method, origin: null, headers: range ? { ...headers, Range: range } : headers });
  const bytes = async (answer) => Buffer.from(await answer.arrayBuffer());
  const error = async (answer) => (await answer.json()).error;

  /** A listener that reads no faster than it is told to; fetch would read ahead. */
  const listen = (id, { cookie = anna, headers = {} } = {}) => new Promise((resolve, reject) => {
    const sent = httpRequest(`${edge.origin}${path(id)}`, { headers: { Cookie: cookie, ...headers }, agent: false }, (answer) => {
      answer.pause();
      resolve({ answer, stop: () => sent.destroy() });
    });
    sent.on("error", reject);
    sent.end();
  });

  test("a recording comes whole, byte for byte, with its type and length", async () => {
    for (const length of [44, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 123]) {
      const { id, file } = recordings.keep("anna", length);
      const answer = await get(id);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-type"), "audio/wav");
      assert.equal(answer.headers.get("content-length"), String(length));
      assert.equal(answer.headers.get("accept-ranges"), "bytes");
      assert.equal(answer.headers.get("content-disposition"), null);
      assert.match(answer.headers.get("cache-control"), /^private, max-age=\d{1,3}$/);
      assert.equal(answer.headers.get("vary"), "Cookie");
      assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
      assert.match(answer.headers.get("content-security-policy"), /^default-src 'none'/);
      assert.deepEqual(await bytes(answer), file, `${length} bytes`);
    }
    assert.ok(recordings.asked.every((one) => one.length >= 1 && one.length <= 256 * 1024), "no piece beyond the protocol's");
  });

  test("single ranges are answered with just those bytes", async () => {
    const total = 3 * PIECE + 10;
    const { id, file } = recordings.keep("anna", total);
    for (const [range, first, last] of [
      ["bytes=0-0", 0, 0],
      ["bytes=0-1", 0, 1],
      ["bytes=44-99", 44, 99],
      ["bytes=100-", 100, total - 1],
      [`bytes=${PIECE - 5}-${PIECE + 5}`, PIECE - 5, PIECE + 5],
      ["bytes=0-", 0, total - 1],
      ["bytes=-7", total - 7, total - 1],
      [`bytes=-${total * 2}`, 0, total - 1],
      [`bytes=${total - 1}-${total + 999}`, total - 1, total - 1],
    ]) {
      const answer = await get(id, { range });
      assert.equal(answer.status, 206, range);
      assert.equal(answer.headers.get("content-range"), `bytes ${first}-${last}/${total}`, range);
      assert.equal(answer.headers.get("content-length"), String(last - first + 1), range);
      assert.deepEqual(await bytes(answer), file.subarray(first, last + 1), range);
    }
  });

  test("only the bytes of a range are fetched", async () => {
    const { id } = recordings.keep("anna", 40 * PIECE);
    await bytes(await get(id, { range: `bytes=${30 * PIECE}-${30 * PIECE + 9}` }));
    const fetched = recordings.asked.reduce((sum, one) => sum + one.length, 0);
    assert.ok(fetched <= 11, `${fetched} bytes for 10`);
  });

  test("a range behind the end is 416, and several ranges or nonsense are the whole", async () => {
    const { id, file } = recordings.keep("anna", 100);
    for (const range of ["bytes=100-", "bytes=100-200", "bytes=-0"]) {
      const answer = await get(id, { range });
      assert.equal(answer.status, 416, range);
      assert.equal(answer.headers.get("content-range"), "bytes */100");
      assert.equal((await error(answer)).type, "range_not_satisfiable");
    }
    for (const range of ["bytes=0-1,5-6", "bytes=9-5", "bytes=x", "chapters=1-2"]) {
      const answer = await get(id, { range });
      assert.equal(answer.status, 200, range);
      assert.deepEqual(await bytes(answer), file);
    }
  });

  test("a range of another recording is not heeded; who holds this one need not fetch it", async () => {
    const { id, file } = recordings.keep("anna", 100);
    const etag = (await get(id, { method: "HEAD" })).headers.get("etag");
    const same = await get(id, { range: "bytes=0-9", headers: { "If-Range": etag } });
    assert.equal(same.status, 206);
    await same.arrayBuffer();
    const other = await get(id, { range: "bytes=0-9", headers: { "If-Range": '"other"' } });
    assert.equal(other.status, 200);
    assert.deepEqual(await bytes(other), file);
    const held = await get(id, { headers: { "If-None-Match": etag } });
    assert.equal(held.status, 304);
  });

  test("HEAD tells what GET would, and fetches one byte", async () => {
    const { id } = recordings.keep("anna", 3 * PIECE);
    const answer = await get(id, { method: "HEAD" });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-length"), String(3 * PIECE));
    assert.equal(answer.headers.get("accept-ranges"), "bytes");
    assert.equal((await answer.arrayBuffer()).byteLength, 0);
    assert.deepEqual(recordings.asked.map((one) => one.length), [1]);
    const part = await get(id, { method: "HEAD", range: "bytes=5-9" });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get("content-length"), "5");
    const none = await get(randomUUID(), { method: "HEAD" });
    assert.equal(none.status, 404);
  });

  test("a download has a file name that nobody chose", async () => {
    const { id } = recordings.keep("anna", 50);
    const answer = await get(id, { query: "?download=1" });
    assert.equal(answer.headers.get("content-disposition"), `attachment; filename="voicemail-${id}.wav"`);
    await answer.arrayBuffer();
    for (const query of ["?download=0", "?download=evil.html", "?name=%0d%0aX:1"]) {
      const other = await get(id, { query });
      assert.equal(other.headers.get("content-disposition"), null, query);
      await other.arrayBuffer();
    }
  });

  test("another user's message and no message get the same answer", async () => {
    const { id } = recordings.keep("anna", 50);
    const answers = [];
    for (const one of [id, randomUUID()]) {
      const answer = await get(one, { cookie: bert });
      const headers = [...answer.headers].filter(([name]) => name !== "date");
      answers.push([answer.status, headers, await answer.text()]);
    }
    assert.equal(answers[0][0], 404);
    assert.deepEqual(answers[0], answers[1]);
    assert.ok(recordings.asked.every((one) => one.user === "bert"), "the session says who asks");
  });

  test("malformed ids, wrong methods and strangers are turned away before the gateway is asked", async () => {
    for (const bad of ["7", "..", "%2e%2e", "a".repeat(36), `{${randomUUID()}}`, randomUUID().replaceAll("-", ""), `${randomUUID()}%00`]) {
      const answer = await edge.request(`/api/messages/${bad}/audio`, { cookie: anna, origin: null });
      assert.ok([400, 404].includes(answer.status), `${bad}: ${answer.status}`);
      await answer.text();
    }
    const malformed = await get("not-a-uuid");
    assert.equal(malformed.status, 400);
    assert.equal((await error(malformed)).type, "malformed");
    const posted = await get(randomUUID(), { method: "POST" });
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.get("allow"), "GET");
    await posted.text();
    for (const cookie of [undefined, "__Host-ponte_session=" + "a".repeat(43)]) {
      const stranger = await edge.request(path(randomUUID()), { cookie, origin: null });
      assert.equal(stranger.status, 401);
      assert.equal((await error(stranger)).type, "not_signed_in");
    }
    assert.equal(recordings.asked.length, 0);
  });

  test("a recording that cannot be read is 503, and a session that ends ends the stream", async () => {
    const { id } = recordings.keep("anna", 50);
    recordings.answer = () => ({ type: "unavailable" });
    const answer = await get(id);
    assert.equal(answer.status, 503);
    assert.equal((await error(answer)).type, "recording_unavailable");
    recordings.reset();

    const long = recordings.keep("bert", 400 * PIECE);
    const other = await edge.signIn("bert", "correct horse battery");
    const { answer: stream } = await listen(long.id, { cookie: other });
    const ended = new Promise((resolve) => { stream.on("error", resolve); stream.on("aborted", resolve); stream.on("end", () => resolve("complete")); });
    await edge.request("/api/sign-out", { body: {}, cookie: other });
    stream.resume();
    assert.notEqual(await ended, "complete");
  });

  test("a listener that stops reading is not read ahead for, and one that goes away is forgotten", { timeout: 90_000 }, async (t) => {
    const { id } = recordings.keep("anna", 1200 * PIECE);
    const { answer, stop } = await listen(id);
    await until(() => recordings.asked.length > 3, "the first pieces", 30_000);
    let before = -1;
    await until(async () => {
      const same = before === recordings.asked.length;
      before = recordings.asked.length;
      await sleep(1000);
      return same && before === recordings.asked.length;
    }, "the stream to stand still", 60_000);
    t.diagnostic(`${before} pieces of 64 KiB were fetched into sockets and buffers before the stream stood still`);
    assert.ok(before < 600, `${before} of 1200 pieces were fetched for nobody`);
    answer.read(1);
    stop();
    await sleep(500);
    const atEnd = recordings.asked.length;
    await sleep(1500);
    assert.ok(recordings.asked.length <= atEnd + 2, "nothing is fetched for who went away");
    const { id: next, file } = recordings.keep("anna", 10 * PIECE);
    assert.deepEqual(await bytes(await get(next)), file, "and the next listener is served");
    assert.ok(!/panicked|RuntimeError/.test(edge.output), "the worker lives on");
  });

  test("a user's listeners share four pieces on the way; another user is served meanwhile", { timeout: 60_000 }, async () => {
    const { id } = recordings.keep("anna", 8 * PIECE);
    const small = recordings.keep("bert", 100);
    recordings.hold((one) => one.user === "anna");
    const listeners = Array.from({ length: 10 }, () => get(id).then(bytes, () => null));
    await until(() => recordings.held.length === 4, "four pieces");
    await sleep(300);
    assert.equal(recordings.held.length, 4, "no more of one user");
    assert.deepEqual(await bytes(await get(small.id, { cookie: bert })), small.file);
    recordings.release();
    for (const got of await Promise.all(listeners)) assert.equal(got?.length, 8 * PIECE);
    assert.ok(recordings.most <= 8, `${recordings.most} on their way at once`);
  });

  test("who asks for more than is reasonable is told to wait", { timeout: 60_000 }, async () => {
    const { id } = recordings.keep("anna", 100);
    recordings.hold(() => true);
    const answers = Promise.all(Array.from({ length: 40 }, () => get(id).then((answer) => answer.text().then(() => answer))));
    await until(() => recordings.held.length === 4, "four pieces");
    await sleep(500);
    recordings.release();
    const statuses = (await answers).map((answer) => answer.status);
    assert.ok(statuses.includes(429), statuses.join());
    assert.ok(statuses.filter((status) => status === 200).length >= 4, statuses.join());
    const told = (await answers).find((answer) => answer.status === 429);
    assert.ok(Number(told.headers.get("retry-after")) >= 1);
    await sleep(2000);
    assert.equal((await get(id)).status, 200);
  });

  test("frames of the gateway that do not fit are passed over, and the true one is still taken", async () => {
    const { id, file } = recordings.keep("anna", 1000);
    recordings.answer = (one) => {
      const lie = (part) => gateway.send({ type: "audio", request: one.request, part: { type: "bytes", total: 1000, offset: one.offset, ...part } });
      lie({ base64: randomBytes(999).toString("base64") });
      lie({ base64: randomBytes(1001).toString("base64") });
      lie({ base64: randomBytes(200_000).toString("base64") });
      lie({ base64: "*".repeat(1336) });
      lie({ offset: one.offset + 1, base64: file.toString("base64") });
      lie({ total: 2 ** 50, base64: file.toString("base64") });
      gateway.send({ type: "audio", request: randomUUID(), part: { type: "bytes", total: 1000, offset: 0, base64: file.toString("base64") } });
      gateway.send({ type: "audio", request: randomUUID(), part: { type: "not_found" } });
      return undefined;
    };
    const answer = await get(id);
    assert.equal(answer.status, 200);
    assert.deepEqual(await bytes(answer), file);
    const secret = file.toString("base64").slice(0, 24);
    assert.ok(!edge.output.includes(secret), "no content in the log");
    // The development server notes each request by its path; that is not ours.
    const ours = edge.output.split("\n").filter((line) => !line.includes("[wrangler:info]"));
    assert.ok(!ours.some((line) => line.includes(id)), "no message in the log");
    await gateway.settled();
  });

  test("a gateway that says nothing is 504 after ten seconds", { timeout: 40_000 }, async () => {
    const { id } = recordings.keep("anna", 100);
    recordings.hold(() => true);
    const started = Date.now();
    const answer = await get(id);
    assert.equal(answer.status, 504);
    assert.equal((await error(answer)).type, "gateway_timeout");
    const took = Date.now() - started;
    assert.ok(took >= 9_500 && took < 30_000, `${took} ms`);
    recordings.release();
    await gateway.settled();
    assert.equal((await get(id)).status, 200, "its late answer does no harm");
  });

  test("another link takes over what the old one owed; without any it is 503 at once", { timeout: 60_000 }, async () => {
    const { id, file } = recordings.keep("anna", 2 * PIECE);
    recordings.hold(() => true);
    const waiting = get(id);
    await until(() => recordings.held.length === 1, "a piece to be asked for");
    gateway = await edge.gateway(["anna", "bert"], { from: gateway });
    recordings.release();
    recordings.moveTo(gateway);
    assert.deepEqual(await bytes(await waiting), file);

    recordings.hold(() => true);
    const lost = get(id);
    await until(() => recordings.held.length === 1, "a piece to be asked for");
    await gateway.terminate();
    const answer = await lost;
    assert.equal(answer.status, 503);
    assert.equal((await error(answer)).type, "gateway_offline");
    const started = Date.now();
    const offline = await get(id);
    assert.equal(offline.status, 503);
    assert.equal((await error(offline)).type, "gateway_offline");
    assert.ok(Date.now() - started < 3000);
  });
});
