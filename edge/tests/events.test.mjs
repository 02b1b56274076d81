// The event log: every portal sees every event once, whatever happens to its socket or to the link.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Edge, sleep } from "./support/edge.mjs";
import { Gateway, userState } from "./support/gateway.mjs";

const callChanged = (n, id = randomUUID()) => ({
  type: "call_changed",
  call: {
    id, direction: "outgoing", dialled: `+3902${String(n).padStart(8, "0")}`, phase: { type: "calling_user" },
    started_at: 1_790_000_000_000 + n, legs: [],
  },
});
const destinations = (label) => ({
  type: "destinations_changed",
  destinations: [{ id: "0192f0c1-7c1e-7a30-8b2e-0a4b5c6d7e8f", label, number: "+390212345678", confirm: false, verified: true }],
});

describe("events", () => {
  let edge, gateway, anna, bert;

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway(["anna", "bert", "new"]);
    anna = await edge.invite(gateway, "anna");
    bert = await edge.invite(gateway, "bert");
    gateway.state("anna");
    gateway.state("bert");
    await gateway.acknowledged();
  });
  after(() => edge.stop());

  test("two tabs get the same snapshot and the same events; nobody else gets them", async () => {
    const tabs = [await edge.portal(anna), await edge.portal(anna)];
    const other = await edge.portal(bert);
    assert.equal(tabs[0].started.type, "snapshot");
    assert.deepEqual(tabs[0].started.snapshot.state, userState("anna"));
    assert.equal(tabs[0].started.snapshot.gateway_connected, true);
    assert.ok(Math.abs(tabs[0].started.snapshot.at - Date.now()) < 2000);
    const told = gateway.event("anna", destinations("Home"));
    const [one, two] = await Promise.all(tabs.map((tab) => tab.event()));
    assert.deepEqual(one, two);
    assert.equal(one.at, told.at);
    assert.deepEqual(one.body, told.body);
    await sleep(50);
    assert.equal(other.takeAll("event").length, 0);
    const late = await edge.portal(anna);
    assert.deepEqual(late.started.snapshot.state.destinations, told.body.destinations);
    assert.equal(late.started.snapshot.seq, one.seq);
    for (const portal of [...tabs, other, late]) await portal.close();
  });

  test("what a gateway of an earlier version does not tell is filled in", async () => {
    const { stations, presence, mailbox, settings, ...earlier } = userState("bert");
    const { call_waiting_allowed, voicemail_allowed, administrator, ...profile } = earlier.profile;
    gateway.event("bert", { type: "state", state: { ...earlier, profile } });
    await gateway.acknowledged();
    const portal = await edge.portal(bert);
    const { state } = portal.started.snapshot;
    assert.deepEqual([state.stations, state.presence, state.mailbox, state.settings], [stations, presence, mailbox, settings]);
    const rights = [state.profile.call_waiting_allowed, state.profile.voicemail_allowed, state.profile.administrator];
    assert.deepEqual(rights, [false, false, false], "no right that nobody gave");
    await portal.close();
  });

  test("an event is with the portals within 300 ms", async () => {
    const portal = await edge.portal(anna);
    const times = [];
    for (let n = 0; n < 20; n += 1) {
      const started = performance.now();
      gateway.event("anna", destinations(`Place ${n}`));
      await portal.event();
      times.push(performance.now() - started);
    }
    assert.ok(Math.max(...times) < 300, `${times.map(Math.round)}`);
    await portal.close();
  });

  test("a portal that was away gets what it missed, no more and no less", async () => {
    const portal = await edge.portal(anna);
    gateway.event("anna", destinations("Seen"));
    const seen = await portal.event();
    const { log } = portal.started.snapshot;
    await portal.terminate();
    for (let n = 0; n < 30; n += 1) {
      gateway.event("anna", destinations(`Missed ${n}`));
      gateway.event("bert", destinations("Not for Anna"));
    }
    await gateway.acknowledged();
    const back = await edge.portal(anna, { resume: { log, seq: seen.seq } });
    assert.equal(back.started.type, "resumed");
    assert.equal(back.started.gateway_connected, true);
    for (let n = 0; n < 30; n += 1) assert.equal((await back.event()).body.destinations[0].label, `Missed ${n}`);
    gateway.event("anna", destinations("Live"));
    assert.equal((await back.event()).body.destinations[0].label, "Live");
    assert.equal(back.takeAll("event").length, 0);
    await back.close();
  });

  test("a portal that cannot go on gets a snapshot", async () => {
    const first = await edge.portal(anna);
    const { log, seq } = first.started.snapshot;
    for (const resume of [{ log: randomUUID(), seq }, { log, seq: seq + 1000 }]) {
      const portal = await edge.portal(anna, { resume });
      assert.equal(portal.started.type, "snapshot");
      assert.equal(portal.started.snapshot.seq, seq);
      await portal.close();
    }
    for (let n = 0; n <= 200; n += 1) gateway.event("anna", destinations(`Many ${n}`));
    await gateway.acknowledged();
    const portal = await edge.portal(anna, { resume: { log, seq } });
    assert.equal(portal.started.type, "snapshot", "too much was missed");
    assert.equal(portal.started.snapshot.state.destinations[0].label, "Many 200");
    await portal.close();
    await first.close();
  });

  test("events kept are bounded, and a portal from before them starts anew", async () => {
    const portal = await edge.portal(bert);
    const { log, seq } = portal.started.snapshot;
    await portal.close();
    for (let n = 0; n < 1100; n += 1) gateway.event("bert", destinations(`Flood ${n}`));
    await gateway.acknowledged();
    const back = await edge.portal(bert, { resume: { log, seq: seq + 1 } });
    assert.equal(back.started.type, "snapshot");
    assert.equal(back.started.snapshot.state.destinations[0].label, "Flood 1099");
    await back.close();
  });

  test("an event sent again is acknowledged and not told again", async () => {
    const portal = await edge.portal(anna);
    const told = gateway.event("anna", destinations("Once"));
    await gateway.acknowledged();
    gateway.event("anna", told.body, told.position);
    gateway.event("anna", told.body, { ...told.position, seq: told.position.seq - 1 });
    await gateway.settled();
    assert.equal((await portal.event()).body.destinations[0].label, "Once");
    assert.equal(portal.takeAll("event").length, 0);
    await portal.close();
  });

  test("each acknowledgement names an event that is stored, in order, and the last one names the last event", async () => {
    await gateway.settled();
    gateway.takeAll("ack");
    for (let n = 0; n < 100; n += 1) gateway.event("anna", destinations(`Burst ${n}`));
    const last = await gateway.acknowledged();
    assert.equal(last.position.seq, gateway.seq);
    const seqs = gateway.takeAll("ack").map((frame) => frame.position.seq);
    assert.deepEqual(seqs, seqs.toSorted((a, b) => a - b));
  });

  test("a new link says where the stream stands, and events go on without loss or duplicates", async () => {
    const portal = await edge.portal(anna);
    gateway.event("anna", destinations("Before"));
    await portal.event();
    const { epoch, seq } = gateway;
    await gateway.terminate();
    gateway = await edge.gateway(["anna", "bert", "new"], { from: { epoch, seq: seq - 1 } });
    assert.deepEqual(gateway.welcome.last, { epoch, seq });
    gateway.event("anna", destinations("Before"));
    gateway.event("anna", destinations("After"));
    const seen = await portal.event((event) => event.body.type === "destinations_changed");
    assert.equal(seen.body.destinations[0].label, "After");
    await portal.close();
  });

  test("a gateway that started anew begins a new epoch, and says everything anew", async () => {
    const portal = await edge.portal(anna);
    await gateway.close();
    gateway = await edge.gateway(["anna", "bert", "new"]);
    gateway.state("anna", { mode: { type: "telecommuting", destination: { type: "browser" }, since: 5 } });
    const event = await portal.event((one) => one.body.type === "state");
    assert.equal(event.body.state.mode.type, "telecommuting");
    await portal.close();
  });

  test("a gap in the stream makes the edge ask for everybody's state", async () => {
    gateway.takeAll("need_state");
    gateway.seq += 3;
    gateway.event("anna", destinations("After a gap"));
    const asked = [(await gateway.take("need_state")).user, (await gateway.take("need_state")).user];
    assert.ok(asked.includes("anna"));
    gateway.state("anna");
    gateway.state("bert");
    await gateway.acknowledged();
  });

  test("a user whose state is unknown gets an empty snapshot, and the state when it comes", async () => {
    const cookie = await edge.invite(gateway, "new");
    const portal = await edge.portal(cookie);
    assert.equal(portal.started.snapshot.state, undefined);
    await gateway.take((frame) => frame.type === "need_state" && frame.user === "new");
    gateway.state("new");
    assert.deepEqual((await portal.event()).body.state, userState("new"));
    await portal.close();
  });

  test("an event that cannot be read is passed over, and the next one arrives", async () => {
    const portal = await edge.portal(anna);
    gateway.takeAll("need_state");
    gateway.event("anna", { type: "call_changed", call: { dialled: "not a call" } });
    assert.equal((await gateway.take("need_state")).user, "anna");
    gateway.event("anna", { type: "weather_changed", rain: true });
    gateway.event("anna", callChanged(1));
    await gateway.acknowledged();
    assert.equal((await portal.event()).body.type, "call_changed");
    await portal.close();
  });

  test("the gateway hears how many portals are connected, at every change", async () => {
    const counts = (user) => gateway.take((frame) => frame.type === "presence" && frame.user === user).then((frame) => frame.portals);
    await sleep(100);
    gateway.takeAll("presence");
    const one = await edge.portal(anna);
    assert.equal(await counts("anna"), 1);
    const two = await edge.portal(anna);
    assert.equal(await counts("anna"), 2);
    await one.terminate();
    assert.equal(await counts("anna"), 1);
    const again = await Gateway.connect(edge, { from: gateway });
    assert.equal((await again.take((frame) => frame.type === "presence" && frame.user === "anna")).portals, 1);
    assert.equal((await again.take((frame) => frame.type === "presence" && frame.user === "bert")).portals, 0);
    gateway = again;
    await two.close();
    assert.equal(await counts("anna"), 0);
  });

  test("t12 a portal's second socket hears every event and counts as no portal", async () => {
    const first = await edge.portal(anna);
    await gateway.take((frame) => frame.type === "presence" && frame.user === "anna" && frame.portals === 1);
    const second = await edge.portal(anna, { second: true });
    gateway.event("anna", callChanged(7));
    await gateway.acknowledged();
    for (const socket of [first, second]) assert.equal((await socket.event()).body.type, "call_changed");
    await second.terminate();
    await first.close();
    const told = await gateway.take((frame) => frame.type === "presence" && frame.user === "anna");
    assert.equal(told.portals, 0, "nothing was told of the second one, nor of its end");
  });
});
