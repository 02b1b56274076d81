// The link: who is let in, who is replaced, and what happens to one that falls silent.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Edge, sleep } from "./support/edge.mjs";
import { Gateway, proof } from "./support/gateway.mjs";

describe("link", () => {
  let edge;

  before(async () => { edge = await Edge.start(); });
  after(() => edge.stop());

  const refused = async (answer, site = "demo") => {
    const gateway = Gateway.socket(edge, site);
    await gateway.opened;
    const challenge = await gateway.take("challenge");
    assert.match(challenge.nonce, /^[0-9a-f]{64}$/);
    gateway.send(answer(challenge));
    const { error } = await gateway.take("error");
    return [error, await gateway.closed];
  };
  const authenticate = (site, key, challenge, over = {}) => {
    const nonce = randomBytes(32).toString("hex");
    const versions = { oldest: 1, newest: 1 };
    return { type: "authenticate", site, versions, nonce, proof: proof(key, "gateway", site, challenge.nonce, nonce), ...over };
  };

  test("a wrong key and an unknown site are refused alike", async () => {
    const wrong = randomBytes(32);
    const expected = ["not_authentic", 4401];
    assert.deepEqual(await refused((challenge) => authenticate("demo", wrong, challenge)), expected);
    assert.deepEqual(await refused((challenge) => authenticate("nowhere", wrong, challenge), "nowhere"), expected);
    assert.deepEqual(await refused((challenge) => authenticate("other", edge.key, challenge)), expected);
    assert.deepEqual(await refused((challenge) => authenticate("demo", edge.key, challenge, { proof: "00" })), expected);
    assert.deepEqual(await refused(() => ({ type: "users", users: [] })), expected);
    assert.deepEqual(await refused(() => "not json"), expected);
    assert.deepEqual(await refused(() => Buffer.from([1, 2, 3])), expected);
    assert.deepEqual(await refused(() => "x".repeat(100_000)), expected);
  });

  test("a recorded answer is good for nothing", async () => {
    const first = Gateway.socket(edge);
    await first.opened;
    const recorded = authenticate("demo", edge.key, await first.take("challenge"));
    first.send(recorded);
    await first.take("welcome");
    assert.deepEqual(await refused(() => recorded), ["not_authentic", 4401]);
    first.send({ type: "ping", n: 4 });
    assert.equal((await first.take("pong")).n, 4, "the true gateway's link is untouched");
    await first.close();
  });

  test("the key of one site does not open another", async () => {
    const key = Buffer.from("22".repeat(32), "hex");
    const other = await Gateway.connect(edge, { site: "other", key });
    assert.deepEqual(await refused((challenge) => authenticate("demo", key, challenge)), ["not_authentic", 4401]);
    await other.close();
  });

  test("a version we do not share is named", async () => {
    const versions = { oldest: 90, newest: 91 };
    assert.deepEqual(
      await refused((challenge) => authenticate("demo", edge.key, challenge, { versions })),
      ["unsupported_version", 4426],
    );
  });

  test("a link without a site is no link", async () => {
    for (const query of ["", "?site=", "?site=%2e%2e%2f", "?site=a%20b"]) {
      const answer = await edge.request(`/link${query}`, { headers: { Upgrade: "websocket", Connection: "Upgrade" } }).catch(() => null);
      assert.ok(answer === null || answer.status >= 400, query);
    }
    await assert.rejects(Gateway.socket(edge, "..").opened, { status: 400 });
  });

  test("a newer gateway of the same site replaces the older one", async () => {
    const older = await edge.gateway();
    const cookie = await edge.invite(older, "anna");
    const portal = await edge.portal(cookie);
    const newer = await edge.gateway();
    assert.equal((await older.take("error")).error, "replaced");
    assert.equal(await older.closed, 4409);
    older.socket.emit("message", Buffer.from("{}"));
    newer.state("anna");
    assert.equal((await portal.event()).body.type, "state");
    assert.equal(portal.takeAll("event").length, 0, "nothing was said of a gateway that came or went");
    await portal.close();
    await newer.close();
  });

  test("portals hear at once that the gateway went and came back", async () => {
    let gateway = await edge.gateway();
    const portal = await edge.portal(await edge.invite(gateway, "anna"));
    assert.equal(portal.started.snapshot.gateway_connected, true);
    const started = Date.now();
    await gateway.terminate();
    assert.deepEqual((await portal.event()).body, { type: "gateway_changed", connected: false });
    assert.ok(Date.now() - started < 1000);
    gateway = await edge.gateway();
    assert.deepEqual((await portal.event()).body, { type: "gateway_changed", connected: true });
    await portal.close();
    await gateway.close();
  });

  test("a malformed frame ends the link with its reason; unknown frames do not", async () => {
    const gateway = await edge.gateway();
    gateway.send({ type: "forecast", rain: true });
    await gateway.settled();
    gateway.send("{");
    assert.equal((await gateway.take("error")).error, "malformed");
    assert.equal(await gateway.closed, 4400);
  });

  test("strangers who never answer are shown out, and do not keep the gateway out", { timeout: 30_000 }, async () => {
    const strangers = [];
    for (let n = 0; n < 8; n += 1) {
      const stranger = Gateway.socket(edge);
      await stranger.opened;
      strangers.push(stranger);
    }
    await assert.rejects(Gateway.socket(edge).opened, { status: 429 });
    const started = Date.now();
    for (const stranger of strangers) {
      assert.equal((await stranger.take("error", 15_000)).error, "not_authentic");
      await stranger.closing();
    }
    assert.ok(Date.now() - started < 13_000);
    const gateway = await edge.gateway();
    await gateway.close();
  });

  test("a silent gateway is asked, then given up, also after the site slept", { timeout: 60_000 }, async () => {
    const gateway = await edge.gateway();
    const portal = await edge.portal(await edge.invite(gateway, "anna"));
    const started = Date.now();
    await gateway.take("ping", 20_000);
    assert.ok(Date.now() - started > 10_000);
    const event = await portal.take((frame) => frame.type === "event" && frame.event.body.type === "gateway_changed", 25_000);
    assert.equal(event.event.body.connected, false);
    assert.equal(await gateway.closed, 4408);
    await sleep(50);
    await portal.close();
  });
});
