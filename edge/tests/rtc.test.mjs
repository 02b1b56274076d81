// Calls in the browser: what the edge relays between the gateway and exactly one portal.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { Edge, sleep } from "./support/edge.mjs";

describe("rtc", () => {
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
    portal = await edge.portal(anna);
    await sleep(50);
    gateway.takeAll("rtc");
    gateway.takeAll("portal_closed");
  });

  const takeCalls = (tab = randomUUID()) => ({ type: "take_calls", tab, take_over: false });

  test("a request reaches the gateway with its user and its connection, and the answer that connection alone", async () => {
    const others = [await edge.portal(anna), await edge.portal(bert)];
    const request = takeCalls();
    portal.send({ type: "rtc", request });
    const relayed = await gateway.take("rtc");
    assert.equal(relayed.user, "anna");
    assert.deepEqual(relayed.request, request);
    others[0].send({ type: "rtc", request });
    const other = await gateway.take("rtc");
    assert.notEqual(other.portal, relayed.portal);

    const signal = { type: "here", tab: request.tab };
    gateway.send({ type: "rtc", user: "anna", portal: relayed.portal, signal });
    // A connection of another user is none of this one's.
    gateway.send({ type: "rtc", user: "bert", portal: relayed.portal, signal: { type: "elsewhere" } });
    gateway.send({ type: "rtc", user: "anna", portal: randomUUID(), signal: { type: "elsewhere" } });
    assert.deepEqual((await portal.take("rtc")).signal, signal);
    await gateway.settled();
    await sleep(50);
    for (const tab of [portal, ...others]) assert.equal(tab.takeAll("rtc").length, 0);
    for (const tab of others) await tab.close();
  });

  test("a whole offer fits, and comes through unchanged", async () => {
    const sdp = `v=0\r\n${"a=candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host\r\n".repeat(100)}`;
    const request = { type: "offer", call: randomUUID(), sdp };
    portal.send({ type: "rtc", request });
    assert.deepEqual((await gateway.take("rtc")).request, request);
  });

  test("a connection that ends is told", async () => {
    portal.send({ type: "rtc", request: takeCalls() });
    const { portal: connection } = await gateway.take("rtc");
    await portal.close();
    const closed = await gateway.take("portal_closed");
    assert.deepEqual([closed.user, closed.portal], ["anna", connection]);
  });

  test("requests that come too fast are turned away", async () => {
    for (let n = 0; n < 15; n += 1) portal.send({ type: "rtc", request: takeCalls() });
    const { error } = await portal.take("error");
    assert.equal(error.type, "too_fast");
    assert.ok(error.retry_after_ms > 0);
    await gateway.settled();
    await sleep(100);
    const relayed = gateway.takeAll("rtc").length;
    assert.ok(relayed >= 10 && relayed < 15, `${relayed} were relayed`);
  });

  test("before hello, and malformed, nothing is relayed", async () => {
    portal.send({ type: "rtc", request: { type: "offer", call: "x", sdp: 7 } });
    assert.equal((await portal.take("error")).error.type, "malformed");
    portal.send({ type: "rtc", request: { type: "teleport" } });
    assert.equal((await gateway.take("rtc")).request.type, "unknown");
  });
});
