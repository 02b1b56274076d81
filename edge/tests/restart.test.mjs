// What must survive: workerd killed and started again, and the site put to sleep.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Edge, sleep } from "./support/edge.mjs";
import { command, dial } from "./support/portal.mjs";

describe("restart", () => {
  let edge, gateway, anna;

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway(["anna"]);
    anna = await edge.invite(gateway, "anna");
    gateway.state("anna");
    await gateway.acknowledged();
  });
  after(() => edge.stop());

  test("sessions, passwords, ledger, events and delays survive a kill", { timeout: 90_000 }, async () => {
    let portal = await edge.portal(anna);
    const { log, seq } = portal.started.snapshot;
    const answered = command(dial());
    portal.send({ type: "command", command: answered });
    await gateway.command(answered.id);
    gateway.reply("anna", answered.id, { type: "accepted", call: answered.id });
    await portal.reply(answered.id);
    const waiting = command({ type: "leave_telecommuter" }, { lifetimeMs: 30_000 });
    portal.send({ type: "command", command: waiting });
    await gateway.command(waiting.id);
    gateway.event("anna", { type: "mode_changed", mode: { type: "office" } });
    await gateway.acknowledged();
    for (let n = 0; n < 11; n += 1) {
      const answer = await edge.request("/api/sign-in", { body: { user: "anna", password: `wrong ${n}` } });
      if (answer.status === 429) break;
    }

    await edge.restart();

    assert.ok(await edge.session(anna));
    portal = await edge.portal(anna, { resume: { log, seq } });
    assert.equal(portal.started.type, "resumed");
    assert.equal(portal.started.gateway_connected, false);
    assert.equal((await portal.event()).body.type, "mode_changed");
    assert.deepEqual((await portal.event()).body, { type: "gateway_changed", connected: false });
    portal.send({ type: "command", command: answered });
    assert.deepEqual(await portal.reply(answered.id), { type: "accepted", call: answered.id });
    portal.send({ type: "command", command: waiting });

    const { epoch, seq: last } = gateway;
    gateway = await edge.gateway(["anna"], { from: gateway });
    assert.deepEqual(gateway.welcome.last, { epoch, seq: last });
    await gateway.command(waiting.id);
    gateway.reply("anna", waiting.id);
    assert.equal((await portal.reply(waiting.id)).type, "accepted");
    assert.equal(gateway.takeAll("command").length, 0, "what was answered is not sent again");
    await edge.signIn("anna", "correct horse battery").catch(async (error) => {
      assert.match(error.message, /429/);
    });
    await portal.close();
  });

  test("a sleeping site wakes with its sockets", { timeout: 60_000 }, async () => {
    const portal = await edge.portal(anna);
    const beat = setInterval(() => gateway.send({ type: "ping", n: 1 }), 14_000);
    await sleep(13_000);
    portal.send({ type: "ping", n: 9 });
    assert.equal((await portal.take("pong")).n, 9);
    const sent = command(dial());
    portal.send({ type: "command", command: sent });
    await gateway.command(sent.id);
    await sleep(13_000);
    clearInterval(beat);
    gateway.reply("anna", sent.id, { type: "refused", refusal: { type: "internal" } });
    const outcome = await portal.reply(sent.id, 15_000);
    assert.equal(outcome.type, "refused");
    assert.equal(portal.takeAll("event").length, 0, "waking is no news");
    gateway.event("anna", { type: "mode_changed", mode: { type: "office" } });
    assert.equal((await portal.event((event) => event.body.type === "mode_changed")).body.mode.type, "office");
    await portal.close();
  });
});
