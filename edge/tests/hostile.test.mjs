// Portals that send what they should not.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Edge, sleep } from "./support/edge.mjs";
import { Portal, command, dial } from "./support/portal.mjs";

describe("hostile portals", () => {
  let edge, gateway, cookie;

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway();
    cookie = await edge.invite(gateway, "anna");
    gateway.state("anna");
  });
  after(() => edge.stop());

  const stillWorks = async (portal) => {
    const sent = command(dial());
    portal.send({ type: "command", command: sent });
    await gateway.command(sent.id);
    gateway.reply("anna", sent.id);
    assert.equal((await portal.reply(sent.id)).type, "accepted");
  };

  test("malformed frames get typed errors, and a valid command still works", async () => {
    const portal = await edge.portal(cookie);
    const malformed = ["", "{", "null", "[]", "7", "\"x\"", "{\"type\":\"teleport\"}", "\u0000", "[".repeat(4000), "{\"type\":\"command\"}", Buffer.from([0, 255])];
    for (const bad of malformed) {
      portal.send(bad);
      assert.equal((await portal.take("error")).error.type, "malformed", JSON.stringify(bad).slice(0, 40));
    }
    await stillWorks(portal);
    await portal.close();
  });

  test("an oversized frame is refused by its size", async () => {
    const portal = await edge.portal(cookie);
    for (const length of [8193, 100_000, 900_000]) {
      portal.send(" ".repeat(length));
      assert.deepEqual((await portal.take("error")).error, { type: "too_large", max_bytes: 8192 });
    }
    await sleep(1100);
    await stillWorks(portal);
    await portal.close();
  });

  test("the first frame is hello, and only the first", async () => {
    const portal = await Portal.open(edge, cookie, await edge.ticket(cookie));
    portal.send({ type: "ping", n: 1 });
    assert.equal((await portal.take("error")).error.type, "unexpected");
    portal.send({ type: "command", command: command(dial()) });
    assert.equal((await portal.take("error")).error.type, "unexpected");
    await portal.hello();
    assert.equal(portal.started.type, "snapshot");
    portal.send({ type: "hello", versions: { oldest: 1, newest: 1 } });
    assert.equal((await portal.take("error")).error.type, "unexpected");
    await portal.close();
  });

  test("a portal of another age is told which versions there are", async () => {
    const portal = await Portal.open(edge, cookie, await edge.ticket(cookie));
    portal.send({ type: "hello", versions: { oldest: 7, newest: 9 } });
    const { error } = await portal.take("error");
    assert.deepEqual(error, { type: "unsupported_version", versions: { oldest: 1, newest: 1 } });
    assert.equal(await portal.closed, 4426);
  });

  test("a burst is slowed down, and after it a valid command still works", async () => {
    const portal = await edge.portal(cookie);
    for (let n = 0; n < 100; n += 1) portal.send({ type: "ping", n });
    await sleep(300);
    const errors = portal.takeAll("error");
    assert.ok(errors.length >= 40, `${errors.length}`);
    for (const { error } of errors) {
      assert.equal(error.type, "too_fast");
      assert.ok(error.retry_after_ms >= 1 && error.retry_after_ms <= 50);
    }
    assert.ok(portal.takeAll("pong").length >= 39);
    await sleep(1000);
    await stillWorks(portal);
    await portal.close();
  });

  test("a command that comes too fast is refused under its id; one that was taken keeps its answer", async () => {
    const portal = await edge.portal(cookie);
    const taken = command({ type: "leave_telecommuter" });
    portal.send({ type: "command", command: taken });
    await gateway.command(taken.id);
    gateway.reply("anna", taken.id);
    assert.equal((await portal.reply(taken.id)).type, "accepted");
    await sleep(1500);
    for (let n = 0; n < 60; n += 1) portal.send({ type: "ping", n });
    const fresh = command({ type: "leave_telecommuter" });
    const garbled = { ...command(dial()), body: { type: "dial", number: "sip:x@y" } };
    portal.send({ type: "command", command: fresh });
    portal.send({ type: "command", command: taken });
    portal.send({ type: "command", command: garbled });
    portal.send("{");
    for (const id of [fresh.id, garbled.id]) {
      const { type, refusal } = await portal.reply(id);
      assert.equal(type, "refused");
      assert.equal(refusal.type, "too_fast");
      assert.ok(refusal.retry_after_ms >= 1 && refusal.retry_after_ms <= 50);
    }
    assert.equal((await portal.reply(taken.id)).type, "accepted", "an id has one answer");
    const errors = portal.takeAll("error");
    assert.ok(errors.length >= 2 && errors.every(({ error }) => error.type === "too_fast"), JSON.stringify(errors));
    await gateway.settled();
    assert.equal(gateway.takeAll("command").length, 0, "the gateway hears of none of it");
    await sleep(300);
    portal.send({ type: "command", command: { ...fresh, expires_at: Date.now() + 10_000 } });
    await gateway.command(fresh.id);
    gateway.reply("anna", fresh.id);
    assert.equal((await portal.reply(fresh.id)).type, "accepted", "sent again later, it is judged anew");
    await portal.close();
  });

  test("who floods on is shown out; others notice nothing", async () => {
    const calm = await edge.portal(cookie);
    const flooder = await edge.portal(cookie);
    for (let n = 0; n < 3000 && flooder.socket.readyState === flooder.socket.OPEN; n += 1) flooder.send("{");
    assert.equal(await flooder.closed, 4429);
    await sleep(1000);
    await stillWorks(calm);
    await calm.close();
  });

  test("a user has a limited number of sockets", async () => {
    const portals = [];
    for (let n = 0; n < 16; n += 1) portals.push(await edge.portal(cookie));
    await assert.rejects(edge.portal(cookie), { status: 429 });
    for (const portal of portals) await portal.close();
    await sleep(100);
    const portal = await edge.portal(cookie);
    await portal.close();
  });

  test("a socket that never says hello is closed", { timeout: 40_000 }, async () => {
    const portal = await Portal.open(edge, cookie, await edge.ticket(cookie));
    await portal.closing(13_000);
    assert.equal(await portal.closed, 1008);
  });
});
