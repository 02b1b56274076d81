// Web Push: a call is told to browsers without an open portal, encrypted and signed; hostile addresses, dead services and
// browsers that are gone do no harm.

import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Edge, sleep } from "./support/edge.mjs";
import { Browser, PushService, readVapid } from "./support/push_service.mjs";

const CALLER = { number: "+390298765432", name: "Studio Neri" };
/** As browsers show it. */
const WRITTEN = "+39\u{a0}02\u{a0}9876\u{a0}5432";

const incoming = (id, phase = { type: "ringing" }) => ({
  type: "call_changed",
  call: {
    id, direction: "incoming", dialled: "+390266600201", started_at: Date.now(), phase,
    legs: [{ role: "far", ...CALLER, state: "early", since: Date.now(), no_audio: false }],
  },
});

const ended = (id, user, connected_at) => ({
  type: "call_ended",
  call: id,
  record: {
    id, user, direction: "incoming", dialled: "+390266600201", ...CALLER, started_at: Date.now(), ended_at: Date.now(),
    cause: { reason: connected_at ? "normal_clearing" : "no_answer", class: connected_at ? "success" : "user" },
    ended_by: "far_leg", legs: [], ...(connected_at ? { connected_at } : {}),
  },
});

describe("push", () => {
  let edge, service, gateway, users;

  before(async () => {
    service = await PushService.open();
    edge = await Edge.start({ vars: { PUSH_TEST_ORIGIN: service.origin } });
    users = ["anna", "bert", "carla", "dora", "emil", "fritz", "gina", "hans"];
    gateway = await edge.gateway(users);
    for (const user of users) gateway.state(user);
    await gateway.acknowledged();
  });
  after(async () => {
    await edge.stop();
    await service.close();
  });

  const post = (cookie, body, options = {}) => edge.request("/api/push", { cookie, body, ...options });
  const subscribe = async (cookie, over = {}) => {
    const browser = new Browser(service);
    const answer = await post(cookie, { ...browser.toJSON(), language: "it", ...over });
    assert.equal(answer.status, 204, await answer.text());
    return browser;
  };
  const key = async (cookie) => (await (await edge.request("/api/push", { cookie })).json()).key;
  const ring = async (user) => {
    const id = randomUUID();
    gateway.event(user, incoming(id));
    await gateway.acknowledged();
    return id;
  };
  /** Everything that was to be sent before has been: what is sent to `witness` after it has come. */
  const settled = async (user, witness) => {
    const before = service.of(witness).length;
    const id = await ring(user);
    await service.message(witness, before + 1);
    gateway.event(user, ended(id, user, 1));
    await service.message(witness, before + 2);
  };

  test("t06 a call that rings is told, encrypted and signed, and its end after it", async () => {
    const cookie = await edge.invite(gateway, "anna");
    const publicKey = await key(cookie);
    assert.equal(Buffer.from(publicKey, "base64url").length, 65);
    const browser = await subscribe(cookie);
    const id = await ring("anna");

    const { method, headers, body, text } = await service.message(browser);
    assert.equal(method, "POST");
    assert.deepEqual({ ...text, at: 0 }, { type: "ringing", call: id, ...CALLER, number: WRITTEN, at: 0, language: "it" });
    assert.ok(Math.abs(text.at - Date.now()) < 20_000);
    assert.deepEqual(
      [headers["content-encoding"], headers.ttl, headers.urgency], ["aes128gcm", "30", "high"]);
    assert.equal(headers.topic, Buffer.from(id.replaceAll("-", ""), "hex").toString("base64url"));
    assert.equal(headers.cookie, undefined);
    assert.ok(body.length <= 4096);
    assert.ok(!body.includes("Neri") && !body.includes("98765432"));

    const vapid = readVapid(headers.authorization);
    assert.equal(vapid.key, publicKey);
    assert.deepEqual(vapid.header, { typ: "JWT", alg: "ES256" });
    assert.equal(vapid.claims.aud, service.origin);
    assert.equal(vapid.claims.sub, edge.origin);
    const now = Date.now() / 1000;
    assert.ok(vapid.claims.exp > now && vapid.claims.exp <= now + 86_400);

    // What goes on ringing is told once.
    gateway.event("anna", incoming(id, { type: "confirming", until: Date.now() + 9000 }));
    gateway.event("anna", ended(id, "anna"));
    const missed = await service.message(browser, 2);
    assert.deepEqual([missed.text.type, missed.text.call, missed.text.name], ["missed", id, CALLER.name]);
    assert.equal(missed.headers.topic, headers.topic);
    assert.ok(Number(missed.headers.ttl) >= 3600);
    assert.notDeepEqual(missed.body.subarray(0, 86), body.subarray(0, 86), "a salt and a key of its own");

    const taken = await ring("anna");
    gateway.event("anna", incoming(taken, { type: "connected", since: Date.now() }));
    assert.equal((await service.message(browser, 3)).text.type, "ringing");
    const over = await service.message(browser, 4);
    assert.deepEqual([over.text.type, over.text.call], ["over", taken]);
    gateway.event("anna", ended(taken, "anna", 1));

    const boxed = await ring("anna");
    gateway.event("anna", incoming(boxed, { type: "voicemail", since: Date.now() }));
    gateway.event("anna", ended(boxed, "anna"));
    await service.message(browser, 6);
    await settled("anna", browser);
    assert.deepEqual(
      service.of(browser).slice(4).map((one) => browser.decrypt(one.body).type),
      ["ringing", "missed", "ringing", "over"]);
  });

  test("nothing is told while a portal is open, but for the end of what was told before", async () => {
    const cookie = await edge.invite(gateway, "bert");
    await key(cookie);
    const browser = await subscribe(cookie);
    const before = await ring("bert");
    await service.message(browser);
    const portal = await edge.portal(cookie);
    const shown = await ring("bert");
    await portal.event((event) => event.body.call?.id === shown);
    gateway.event("bert", ended(shown, "bert"));
    gateway.event("bert", ended(before, "bert"));
    const { text } = await service.message(browser, 2);
    assert.deepEqual([text.type, text.call], ["missed", before]);
    await portal.close();
    await gateway.take((frame) => frame.type === "presence" && frame.user === "bert" && frame.portals === 0);
    await settled("bert", browser);
    assert.equal(service.of(browser).length, 4, "nothing of the call that the portal showed");
  });

  test("a service that is slow, dead or hostile delays nobody, and nothing follows where it leads", { timeout: 60_000 }, async () => {
    const cookies = [await edge.invite(gateway, "carla")];
    for (let n = 1; n < 5; n += 1) cookies.push(await edge.signIn("carla", "correct horse battery"));
    await key(cookies[0]);
    const [hangs, redirects, fails, endless, good] = await Promise.all(cookies.map((cookie) => subscribe(cookie)));
    service.answer(hangs, null);
    service.answer(redirects, 307, { Location: `${service.origin}/elsewhere` });
    service.answer(fails, 500);
    service.answers.set(endless.path, (to) => {
      to.writeHead(201);
      const more = setInterval(() => to.write(randomBytes(65_536)), 5);
      to.on("close", () => { clearInterval(more); service.cut = true; });
    });
    const started = Date.now();
    const id = await ring("carla");
    assert.ok(Date.now() - started < 5_000, "the event was acknowledged before a service's time was over");
    await service.message(good);
    gateway.event("carla", ended(id, "carla"));
    assert.equal((await service.message(good, 2)).text.type, "missed");
    assert.equal(service.of(hangs).length, 1, "one that hangs holds up no other");
    // Another user's portal and browsers meanwhile.
    const portal = await edge.portal(cookies[0]);
    portal.send({ type: "ping", n: 4 });
    await portal.take("pong", 3_000);
    await portal.close();
    // In order, and after the time-out.
    await service.message(hangs, 2, 20_000);
    assert.deepEqual(service.of(hangs).map((one) => hangs.decrypt(one.body).type), ["ringing", "missed"]);
    assert.equal(service.of({ path: "/elsewhere" }).length, 0);
    assert.ok(service.cut, "an answer without an end was not read");
    assert.equal((await service.message(fails, 2)).text.type, "missed", "one failure is no reason to give up");
  });

  test("a browser that has unsubscribed is forgotten, one whose service fails again and again too", { timeout: 60_000 }, async () => {
    const gone = await edge.invite(gateway, "dora");
    await key(gone);
    const others = [];
    for (let n = 0; n < 3; n += 1) others.push(await edge.signIn("dora", "correct horse battery"));
    const [left410, left404, broken, stays] = [
      await subscribe(gone), await subscribe(others[0]), await subscribe(others[1]), await subscribe(others[2])];
    service.answer(left410, 410);
    service.answer(left404, 404);
    service.answer(broken, 503);
    for (let n = 0; n < 6; n += 1) {
      await settled("dora", stays);
      // What fails is noted after the answer.
      await service.message(broken, Math.min(2 * n + 2, 10));
    }
    await sleep(300);
    await settled("dora", stays);
    // The end of the first call may have been on its way already.
    for (const left of [left410, left404]) assert.ok([1, 2].includes(service.of(left).length));
    const failed = service.of(broken).length;
    assert.ok(failed >= 10 && failed <= 12, `${failed}`);
    assert.equal(service.of(stays).length, 14);
  });

  test("who signs out is told nothing more; nor is a browser that unsubscribes, or whose user is gone", async () => {
    const first = await edge.invite(gateway, "emil");
    const [second, third] = [
      await edge.signIn("emil", "correct horse battery"), await edge.signIn("emil", "correct horse battery")];
    await key(first);
    const [one, two, three] = [await subscribe(first), await subscribe(second), await subscribe(third)];
    assert.equal((await edge.request("/api/sign-out", { cookie: first, body: {} })).status, 204);
    assert.equal((await edge.request("/api/push", { cookie: second, method: "DELETE" })).status, 204);
    await settled("emil", three);
    assert.deepEqual([one, two].map((browser) => service.of(browser).length), [0, 0]);
    // The same browser with another subscription, then the same subscription with another session.
    const anew = await subscribe(third);
    assert.equal((await post(second, anew)).status, 204);
    await settled("emil", anew);
    assert.equal(service.of(three).length, 2, "a browser has one subscription");
    assert.equal((await edge.request("/api/sign-out", { cookie: third, body: {} })).status, 204);
    await settled("emil", anew);
    assert.equal((await edge.request("/api/sign-out", { cookie: second, body: { everywhere: true } })).status, 204);

    const hans = await subscribe(await edge.invite(gateway, "hans"));
    await settled("hans", hans);
    await gateway.setUsers(users.filter((user) => user !== "hans"));
    await gateway.setUsers(users);
    gateway.state("hans");
    const witness = await subscribe(await edge.signIn("bert", "correct horse battery"));
    await ring("emil");
    await ring("hans");
    await settled("bert", witness);
    assert.equal(service.of(anew).length, 4);
    assert.equal(service.of(hans).length, 2);
  });

  test("a new password ends what was subscribed before; a subscription is of one user", async () => {
    const fritz = await subscribe(await edge.invite(gateway, "fritz"));
    const cookie = await edge.invite(gateway, "fritz", "another horse battery");
    await ring("fritz");
    const gina = await edge.invite(gateway, "gina");
    const shared = await subscribe(cookie);
    assert.equal((await post(gina, shared)).status, 204);
    await ring("fritz");
    await settled("gina", shared);
    assert.equal(service.of(fritz).length, 0);
    assert.equal(service.of(shared).length, 2, "the browser is told of the calls of whoever is signed in there");
  });

  test("a user has ten; the oldest gives way", { timeout: 60_000 }, async () => {
    const browsers = [];
    for (let n = 0; n < 11; n += 1) {
      browsers.push(await subscribe(await edge.signIn("gina", "correct horse battery")));
    }
    await settled("gina", browsers.at(-1));
    for (const browser of browsers.slice(1)) await service.message(browser, 2);
    assert.equal(service.of(browsers[0]).length, 0);
  });

  test("an old event of the gateway tells nobody", async () => {
    const browser = await subscribe(await edge.signIn("bert", "correct horse battery"));
    const id = randomUUID();
    const position = { epoch: gateway.epoch, seq: ++gateway.seq };
    gateway.send({ type: "event", event: { position, user: "bert", at: Date.now() - 120_000, body: incoming(id) } });
    gateway.event("bert", ended(id, "bert"));
    await settled("bert", browser);
    assert.equal(service.of(browser).length, 2);
  });

  test("strangers, foreign pages and addresses that lead elsewhere are refused", async () => {
    const cookie = await edge.signIn("bert", "correct horse battery");
    const body = new Browser(service).toJSON();
    const error = async (answer) => [answer.status, (await answer.json()).error];
    assert.deepEqual(await error(await edge.request("/api/push", {})), [401, { type: "not_signed_in" }]);
    assert.deepEqual(await error(await post(undefined, body)), [401, { type: "not_signed_in" }]);
    for (const origin of ["https://evil.example", null, "null"]) {
      assert.equal((await error(await post(cookie, body, { origin })))[1].type, "foreign_origin");
      const dropped = await edge.request("/api/push", { cookie, method: "DELETE", origin });
      assert.equal((await error(dropped))[1].type, "foreign_origin");
    }
    const put = await edge.request("/api/push", { cookie, method: "PUT", body });
    assert.deepEqual([put.status, put.headers.get("allow")], [405, "GET, POST, DELETE"]);
    for (const [endpoint, reason] of [
      ["https://127.0.0.1/x", "not_public"],
      ["https://[::1]/x", "not_public"],
      ["https://localhost/x", "not_public"],
      ["https://printer.local/x", "not_public"],
      ["http://push.example.org/x", "not_https"],
      [`${service.origin.replace("127.0.0.1", "localhost")}/x`, "not_https"],
      ["https://push.example.org:8443/x", "port"],
      ["https://user:word@push.example.org/x", "malformed"],
      [`https://push.example.org/${"x".repeat(1024)}`, "too_long"],
    ]) {
      assert.deepEqual(await error(await post(cookie, { ...body, endpoint })), [422, { type: "bad_endpoint", reason }], endpoint);
    }
    const offCurve = Buffer.alloc(65, 7);
    offCurve[0] = 4;
    for (const wrong of [
      { keys: { ...body.keys, p256dh: offCurve.toString("base64url") } },
      { keys: { ...body.keys, auth: "AAAA" } },
      { keys: {} },
      { language: "../../etc" },
      { endpoint: 7 },
    ]) {
      const answer = await post(cookie, { ...body, ...wrong });
      assert.equal((await error(answer))[1].type, "malformed", JSON.stringify(wrong));
    }
    assert.equal((await post(cookie, { ...body, more: "x".repeat(5000) })).status, 413);
    const many = await Promise.all(Array.from({ length: 40 }, () => post(cookie, body)));
    const fast = many.filter((answer) => answer.status === 429);
    assert.ok(fast.length > 0 && fast.every((answer) => Number(answer.headers.get("retry-after")) >= 1));
  });

  test("key and subscriptions survive a restart", { timeout: 90_000 }, async () => {
    const cookie = await edge.signIn("anna", "correct horse battery");
    const publicKey = await key(cookie);
    const browser = await subscribe(cookie);
    await edge.restart();
    gateway = await edge.gateway(users, { from: gateway });
    assert.equal(await key(cookie), publicKey);
    const id = await ring("anna");
    const { text, headers } = await service.message(browser);
    assert.equal(text.call, id);
    assert.equal(readVapid(headers.authorization).key, publicKey);
  });
});
