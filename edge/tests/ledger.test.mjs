// Commands: one effect and one answer, however often and from wherever they are sent.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { Edge, sleep, until } from "./support/edge.mjs";
import { command, dial } from "./support/portal.mjs";

describe("ledger", () => {
  let edge, gateway, anna, bert, portal;

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway(["anna", "bert"]);
    anna = await edge.invite(gateway, "anna");
    bert = await edge.invite(gateway, "bert");
  });
  after(() => edge.stop());
  beforeEach(async () => {
    await portal?.close();
    if (gateway.socket.readyState !== gateway.socket.OPEN) gateway = await edge.gateway(["anna", "bert"], { from: gateway });
    portal = await edge.portal(anna);
    await sleep(1100);
    gateway.takeAll("command");
  });

  test("a command sent 100 times reaches the gateway once and has one answer", async () => {
    const others = [await edge.portal(anna), await edge.portal(anna)];
    const tabs = [portal, ...others];
    const sent = command(dial());
    for (let n = 0; n < 99; n += 1) tabs[n % 3].send({ type: "command", command: sent });
    const received = await gateway.command(sent.id);
    assert.equal(received.user, "anna");
    assert.deepEqual(received.command.body, sent.body);
    gateway.reply("anna", sent.id, { type: "accepted", call: sent.id });
    const outcomes = await Promise.all(tabs.map((tab) => tab.reply(sent.id)));
    await sleep(100);
    portal.send({ type: "command", command: sent });
    outcomes.push(await portal.reply(sent.id));
    for (const outcome of outcomes) assert.deepEqual(outcome, { type: "accepted", call: sent.id });
    assert.equal(gateway.takeAll("command").length, 0);
    for (const tab of others) await tab.close();
  });

  test("two tabs that send the same command at once get the same answer", async () => {
    const other = await edge.portal(anna);
    const sent = command(dial());
    portal.send({ type: "command", command: sent });
    other.send({ type: "command", command: sent });
    await gateway.command(sent.id);
    await gateway.settled();
    gateway.reply("anna", sent.id, { type: "refused", refusal: { type: "line_busy" } });
    const [first, second] = await Promise.all([portal.reply(sent.id), other.reply(sent.id)]);
    assert.deepEqual(first, second);
    assert.equal(gateway.takeAll("command").length, 0);
    await other.close();
  });

  test("an answer goes only to the portals that asked", async () => {
    const silent = await edge.portal(anna);
    const sent = command(dial());
    portal.send({ type: "command", command: sent });
    await gateway.command(sent.id);
    gateway.reply("bert", sent.id);
    gateway.reply("anna", sent.id);
    assert.equal((await portal.reply(sent.id)).type, "accepted");
    await sleep(50);
    assert.equal(silent.takeAll("reply").length, 0);
    await silent.close();
  });

  test("the first answer counts", async () => {
    const sent = command(dial());
    portal.send({ type: "command", command: sent });
    await gateway.command(sent.id);
    gateway.reply("anna", sent.id, { type: "accepted", call: sent.id });
    gateway.reply("anna", sent.id, { type: "refused", refusal: { type: "internal" } });
    await gateway.settled();
    portal.send({ type: "command", command: sent });
    const outcomes = [await portal.reply(sent.id), await portal.reply(sent.id)];
    for (const outcome of outcomes) assert.equal(outcome.type, "accepted");
  });

  test("an id used before for something else, or by somebody else, is refused", async () => {
    const sent = command(dial("201"));
    portal.send({ type: "command", command: sent });
    await gateway.command(sent.id);
    assert.deepEqual(await portal.ask(dial("202"), { id: sent.id }), { type: "refused", refusal: { type: "duplicate_id" } });
    const stranger = await edge.portal(bert);
    assert.deepEqual(await stranger.ask(dial("201"), { id: sent.id }), { type: "refused", refusal: { type: "duplicate_id" } });
    assert.equal(gateway.takeAll("command").length, 0);
    await stranger.close();
  });

  test("an expired command is refused, and a long one is shortened", async () => {
    assert.deepEqual(await portal.ask(dial(), { lifetimeMs: -1 }), { type: "refused", refusal: { type: "expired" } });
    const sent = command(dial(), { lifetimeMs: 3_600_000 });
    portal.send({ type: "command", command: sent });
    const { command: forwarded } = await gateway.command(sent.id);
    assert.ok(forwarded.expires_at <= Date.now() + 10_000, "10 s for a dial");
    assert.equal(forwarded.issued_at, sent.issued_at);
  });

  test("a gateway that does not answer in time leaves a clear refusal", async () => {
    const sent = command({ type: "leave_telecommuter" }, { lifetimeMs: 400 });
    portal.send({ type: "command", command: sent });
    await gateway.command(sent.id);
    assert.deepEqual(await portal.reply(sent.id, 8000), { type: "refused", refusal: { type: "expired" } });
    gateway.reply("anna", sent.id);
    await gateway.settled();
    portal.send({ type: "command", command: sent });
    assert.deepEqual(await portal.reply(sent.id), { type: "refused", refusal: { type: "expired" } });
  });

  test("without a gateway a dial is refused at once, and stays refused", async () => {
    await gateway.close();
    await portal.event((event) => event.body.type === "gateway_changed" && event.body.connected === false);
    const sent = command(dial());
    portal.send({ type: "command", command: sent });
    const refused = { type: "refused", refusal: { type: "gateway_offline" } };
    assert.deepEqual(await portal.reply(sent.id), refused);
    assert.deepEqual(await portal.ask({ type: "fetch_log", limit: 10 }), refused);

    const waits = command({ type: "hang_up", call: randomUUID() });
    portal.send({ type: "command", command: waits });
    const brief = command({ type: "leave_telecommuter" }, { lifetimeMs: 300 });
    portal.send({ type: "command", command: brief });
    assert.deepEqual(await portal.reply(brief.id), { type: "refused", refusal: { type: "expired" } });

    gateway = await edge.gateway(["anna", "bert"], { from: gateway });
    await portal.event((event) => event.body.type === "gateway_changed" && event.body.connected === true);
    await gateway.command(waits.id);
    gateway.reply("anna", waits.id);
    assert.equal((await portal.reply(waits.id)).type, "accepted");
    portal.send({ type: "command", command: sent });
    assert.deepEqual(await portal.reply(sent.id), refused);
    const given = gateway.takeAll("command").map((frame) => frame.command.id);
    assert.ok(!given.includes(sent.id) && !given.includes(brief.id));
  });

  test("a command whose answer was lost is given to the gateway again", async () => {
    const sent = command(dial());
    portal.send({ type: "command", command: sent });
    await gateway.command(sent.id);
    await gateway.terminate();
    gateway = await edge.gateway(["anna", "bert"], { from: gateway });
    await gateway.command(sent.id);
    gateway.reply("anna", sent.id, { type: "accepted", call: sent.id });
    assert.equal((await portal.reply(sent.id)).type, "accepted");
  });

  test("a query goes to the gateway each time, and its answer only to who asked", async () => {
    const other = await edge.portal(anna);
    for (const records of [[], []]) {
      const sent = command({ type: "fetch_log", limit: 5 });
      portal.send({ type: "command", command: sent });
      await gateway.command(sent.id);
      gateway.reply("anna", sent.id, { type: "log", records, more: false });
      assert.deepEqual(await portal.reply(sent.id), { type: "log", records, more: false });
    }
    assert.equal(other.takeAll("reply").length, 0);
    await other.close();
  });

  test("a secret that an administrator is told is told once and stored nowhere", async () => {
    const query = command({ type: "admin_query", query: { type: "dids" } });
    portal.send({ type: "command", command: query });
    assert.deepEqual((await gateway.command(query.id)).command.body, query.body);
    const numbers = { type: "admin", answer: { of: "dids", dids: [], more: false } };
    gateway.reply("anna", query.id, numbers);
    assert.deepEqual(await portal.reply(query.id), numbers);

    const silent = await edge.portal(anna);
    const secrets = [];
    for (const [change, secret] of [
      [{ type: "new_pin", user: "bert" }, { of: "pin", pin: "730164" }],
      [
        { type: "put_device", settings: { device: "desk-9", name: "Desk", hot_desk: false }, new_password: true },
        { of: "device_password", password: "never-on-any-disk" },
      ],
      [{ type: "invite_user", user: "bert" }, { of: "invitation", link: "http://localhost/invitation#never-kept", expires_at: 1 }],
    ]) {
      const sent = command({ type: "admin_change", change });
      portal.send({ type: "command", command: sent });
      await gateway.command(sent.id);
      gateway.reply("anna", sent.id, { type: "admin", answer: secret });
      const told = await portal.reply(sent.id);
      assert.equal(told.answer.of, secret.of);
      secrets.push(told.answer.pin ?? told.answer.password ?? told.answer.link);
      portal.send({ type: "command", command: sent });
      assert.deepEqual(await portal.reply(sent.id), { type: "admin", answer: { of: "done" } }, "told once");
      await until(async () => (await edge.stored()).includes(sent.id), "the change in the ledger");
    }
    const stored = await edge.stored();
    for (const secret of [...secrets, query.id]) {
      assert.ok(secret);
      assert.ok(!stored.includes(secret), `${secret} is stored`);
      assert.ok(!edge.output.includes(secret), `${secret} is logged`);
    }
    assert.equal(gateway.takeAll("command").length, 0);
    assert.equal(silent.takeAll("reply").length, 0);
    await silent.close();
  });

  test("commands that cannot be are refused by name", async () => {
    const call = randomUUID();
    const refusal = async (body) => (await portal.ask(body)).refusal.type;
    assert.equal(await refusal({ type: "teleport" }), "unsupported");
    assert.equal(await refusal({ type: "dial", number: "sip:evil@example.org" }), "malformed");
    assert.equal(await refusal({ type: "dial", number: "1".repeat(99) }), "malformed");
    assert.equal(await refusal({ type: "send_dtmf", call, digits: "x" }), "malformed");
    assert.equal(await refusal({ type: "fetch_log", limit: 0 }), "malformed");
    assert.equal(await refusal({ type: "enter_telecommuter", destination: { type: "moon" } }), "unsupported");
    assert.equal(gateway.takeAll("command").length, 0);
  });

  test("more than two dials a second are too fast; a known one sent again is not", async () => {
    const first = command(dial());
    portal.send({ type: "command", command: first });
    await gateway.command(first.id);
    portal.send({ type: "command", command: first });
    const second = command(dial());
    portal.send({ type: "command", command: second });
    await gateway.command(second.id);
    const third = await portal.ask(dial());
    assert.equal(third.refusal.type, "too_fast");
    assert.ok(third.refusal.retry_after_ms <= 500);
    await sleep(third.refusal.retry_after_ms + 50);
    const fourth = command(dial());
    portal.send({ type: "command", command: fourth });
    await gateway.command(fourth.id);
  });
});
