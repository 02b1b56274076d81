// The users of the site: who watches is told, through hibernation and new links, and nobody else.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { Edge, sleep } from "./support/edge.mjs";
import { Gateway } from "./support/gateway.mjs";

const colleague = (user, over = {}) => ({
  user,
  name: user.toUpperCase(),
  extension: "201",
  availability: "available",
  line: "free",
  ...over,
});

describe("company", () => {
  let edge, gateway, anna, bert, portal, other;

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway(["anna", "bert"]);
    anna = await edge.invite(gateway, "anna");
    bert = await edge.invite(gateway, "bert");
  });
  after(() => edge.stop());
  beforeEach(async () => {
    await portal?.close();
    await other?.close();
    portal = await edge.portal(anna);
    other = await edge.portal(bert);
    await sleep(50);
    gateway.takeAll("watch_company");
  });

  test("a portal that asks is told all, and every change after that; one that does not ask is told nothing", async () => {
    portal.send({ type: "watch_company" });
    const asked = await gateway.take("watch_company");
    assert.equal(asked.user, "anna");
    const all = [colleague("anna"), colleague("bert", { line: "ringing", telecommuting: true })];
    gateway.send({ type: "company", portal: asked.portal, whole: true, colleagues: all });
    const told = await portal.take("company");
    assert.deepEqual([told.whole, told.colleagues], [true, all]);
    const change = [colleague("bert", { line: "busy", status: "Back at three" })];
    gateway.send({ type: "company", whole: false, colleagues: change });
    const changed = await portal.take("company");
    assert.deepEqual([changed.whole, changed.colleagues], [false, change]);
    // What is for one connection is for no other.
    gateway.send({ type: "company", portal: randomUUID(), whole: true, colleagues: [] });
    await gateway.settled();
    await sleep(50);
    assert.equal(portal.takeAll("company").length, 0);
    assert.equal(other.takeAll("company").length, 0);
  });

  test("a new link is asked again for those who watch", async () => {
    portal.send({ type: "watch_company" });
    const { portal: connection } = await gateway.take("watch_company");
    const next = await Gateway.connect(edge, { from: gateway });
    const again = await next.take("watch_company");
    assert.deepEqual([again.user, again.portal], ["anna", connection]);
    await next.setUsers(["anna", "bert"]);
    assert.equal(next.takeAll("watch_company").length, 0, "bert does not watch");
    gateway = next;
  });

  test("asking again and again is turned away", async () => {
    for (let n = 0; n < 15; n += 1) portal.send({ type: "watch_company" });
    const { error } = await portal.take("error");
    assert.equal(error.type, "too_fast");
    await gateway.settled();
    await sleep(100);
    const asked = gateway.takeAll("watch_company").length;
    assert.ok(asked >= 10 && asked < 15, `${asked} were relayed`);
  });

  test("who was found in the external directory is told to the asker alone", async () => {
    const second = await edge.portal(anna);
    const asked = portal.ask({ type: "search_external", find: "nadia" });
    const { user, command } = await gateway.take("command");
    assert.deepEqual([user, command.body], ["anna", { type: "search_external", find: "nadia" }]);
    const people = [{ name: "Nadia Neri", email: "nadia@example.com", numbers: [{ label: "work", number: "+390298765401" }] }];
    const found = { type: "external", people, more: true };
    // An answer in another's name is nobody's.
    gateway.send({ type: "reply", user: "bert", reply: { id: command.id, outcome: { ...found, people: [] } } });
    gateway.send({ type: "reply", user: "anna", reply: { id: command.id, outcome: found } });
    assert.deepEqual(await asked, found);
    await gateway.settled();
    await sleep(50);
    for (const one of [second, other]) assert.equal(one.takeAll("reply").length, 0);
    const fault = { type: "refused", refusal: { type: "directory_failed", fault: "too_slow" } };
    const again = portal.ask({ type: "search_external", find: "neri" });
    const { command: later } = await gateway.take("command");
    gateway.send({ type: "reply", user: "anna", reply: { id: later.id, outcome: fault } });
    assert.deepEqual(await again, fault);
    assert.equal((await portal.ask({ type: "search_external", find: "n" })).refusal.type, "malformed");
    await second.close();
  });

  test("contacts are asked for and answered like any query, and a file comes in parts", async () => {
    const contact = { id: randomUUID(), name: "Nadia", numbers: [{ number: "+390298765401" }] };
    const asked = portal.ask({ type: "fetch_contacts", limit: 500 });
    const { command } = await gateway.take("command");
    const page = { type: "contacts", version: 3, contacts: [contact], more: false };
    gateway.send({ type: "reply", user: "anna", reply: { id: command.id, outcome: page } });
    assert.deepEqual(await asked, page);
    assert.equal((await portal.ask({ type: "fetch_contacts", limit: 501 })).refusal.type, "malformed");
    const text = "x".repeat(6_500);
    const part = portal.ask({ type: "read_contacts", import: randomUUID(), part: 0, last: false, text });
    const { command: sent } = await gateway.take("command");
    assert.equal(sent.body.text, text);
    gateway.send({ type: "reply", user: "anna", reply: { id: sent.id, outcome: { type: "accepted" } } });
    assert.deepEqual(await part, { type: "accepted" });
  });
});
