// Click to dial: a token dials for its user and does nothing else; the same id is one call; what is revoked is void.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { Edge, sleep } from "./support/edge.mjs";

const NUMBER = "+390212345678";

describe("click to dial", () => {
  let edge, gateway, anna, bert;

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway(["anna", "bert"]);
    anna = await edge.invite(gateway, "anna");
    bert = await edge.invite(gateway, "bert");
  });
  after(() => edge.stop());

  const make = async (cookie, label = "Customers") => {
    const answer = await edge.request("/api/dial-tokens", { cookie, body: { label } });
    assert.equal(answer.status, 200);
    return answer.json();
  };
  const tokens = async (cookie) => (await (await edge.request("/api/dial-tokens", { cookie })).json()).tokens;
  const withToken = (token) => ({ origin: null, headers: { Authorization: `Bearer ${token}` } });
  const dial = (token, body) => edge.request("/api/dial", { ...withToken(token), body });

  test("a call is dialled for the token's user, and the same id is one call", async () => {
    const { token, label } = await make(anna);
    assert.equal(label, "Customers");
    assert.match(token, /^[\w-]{43}$/);
    const id = randomUUID();
    const first = dial(token, { number: "+39 02 1234-5678", id });
    const asked = await gateway.command(id);
    assert.deepEqual([asked.user, asked.command.body], ["anna", { type: "dial", number: NUMBER }]);
    assert.ok(asked.command.expires_at - Date.now() <= 10_000, "nobody's telephone rings for an old click");
    gateway.reply("anna", id, { type: "accepted", call: id });
    const answer = await first;
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { id, call: id });
    const again = await dial(token, { number: NUMBER, id });
    assert.deepEqual([again.status, await again.json()], [200, { id, call: id }]);
    const later = await edge.request(`/api/dial/${id}`, withToken(token));
    assert.deepEqual(await later.json(), { id, call: id });
    await gateway.settled();
    assert.equal(gateway.takeAll("command").length, 0, "the gateway was asked once");
    const other = await dial(token, { number: "+390687654321", id });
    assert.equal(other.status, 409);
    assert.equal((await other.json()).error.refusal.type, "duplicate_id");
  });

  test("what the telephone system refuses is told, and what it does not answer stays open", async () => {
    // Two calls a second are a user's.
    await sleep(1_000);
    const { token } = await make(anna);
    const id = randomUUID();
    const sent = dial(token, { number: NUMBER, id });
    await gateway.command(id);
    gateway.reply("anna", id, { type: "refused", refusal: { type: "not_in_telecommuter_mode" } });
    const refused = await sent;
    assert.equal(refused.status, 409);
    assert.deepEqual((await refused.json()).error, { type: "refused", refusal: { type: "not_in_telecommuter_mode" } });
    const open = randomUUID();
    const waited = await dial(token, { number: NUMBER, id: open });
    assert.equal(waited.status, 202);
    assert.deepEqual(await waited.json(), { id: open });
    gateway.reply("anna", open, { type: "accepted", call: open });
    await gateway.settled();
    assert.equal((await edge.request(`/api/dial/${open}`, withToken(token))).status, 200);
    gateway.takeAll("command");
  });

  test("an account code goes with the number, and what is none is refused", async () => {
    await sleep(1_000);
    const { token } = await make(anna);
    for (const account_code of ["", "12a", "1".repeat(17), "+39"]) {
      const answer = await dial(token, { number: NUMBER, account_code });
      assert.equal(answer.status, 400, account_code);
      assert.equal((await answer.json()).error.type, "malformed");
    }
    await gateway.settled();
    assert.equal(gateway.takeAll("command").length, 0, "nobody was asked");
    const id = randomUUID();
    const sent = dial(token, { number: NUMBER, id, account_code: "0042" });
    const asked = await gateway.command(id);
    assert.deepEqual(asked.command.body, { type: "dial", number: NUMBER, account_code: "0042" });
    gateway.reply("anna", id, { type: "refused", refusal: { type: "unknown_account_code" } });
    const refused = await sent;
    assert.equal(refused.status, 409);
    assert.equal((await refused.json()).error.refusal.type, "unknown_account_code");
    const other = await dial(token, { number: NUMBER, id, account_code: "43" });
    assert.equal((await other.json()).error.refusal.type, "duplicate_id");
  });

  test("a token is shown once, kept as its digest, and is of no use for anything else", async () => {
    const { id, token } = await make(anna, "Secret keeper");
    const listed = (await tokens(anna)).find((one) => one.id === id);
    assert.deepEqual(Object.keys(listed).sort(), ["created_at", "id", "label", "used_at"]);
    assert.equal(listed.used_at, null);
    assert.equal((await edge.stored()).includes(token), false);
    for (const [path, method] of [["/api/ticket", "POST"], ["/api/dial-tokens", "GET"], ["/api/sign-out", "POST"]]) {
      const answer = await edge.request(path, { ...withToken(token), method });
      assert.ok([401, 403].includes(answer.status), `${path}: ${answer.status}`);
    }
    assert.equal(await edge.session(`__Host-ponte=${token}`), null);
    // A cookie dials nothing here: another site's page could make a browser send it.
    assert.equal((await edge.request("/api/dial", { cookie: anna, body: { number: NUMBER } })).status, 401);
    const answer = await dial(token, { number: "call me" });
    assert.equal(answer.status, 400);
  });

  test("only its owner sees and revokes a token, and then nothing is dialled with it", async () => {
    const { id, token } = await make(anna, "To be revoked");
    assert.equal((await tokens(bert)).length, 0);
    const revoke = (cookie, options = {}) =>
      edge.request("/api/dial-tokens/revoke", { cookie, body: { id }, ...options });
    assert.equal((await revoke(anna, { origin: "https://evil.example" })).status, 403);
    assert.equal((await revoke(bert)).status, 204);
    assert.ok((await tokens(anna)).some((one) => one.id === id), "not Bert's to revoke");
    assert.equal((await revoke(anna)).status, 204);
    const answer = await dial(token, { number: NUMBER });
    assert.deepEqual([answer.status, answer.headers.get("www-authenticate")], [401, "Bearer"]);
    assert.equal((await edge.request("/api/dial-tokens", {})).status, 401);
    const unnamed = await edge.request("/api/dial-tokens", { cookie: anna, body: { label: " " } });
    assert.equal(unnamed.status, 400);
  });

  test("calls come too fast for a user, guesses for a network, tokens for the list", async () => {
    const { token } = await make(bert);
    const sent = [1, 2, 3, 4].map(() => dial(token, { number: NUMBER, id: randomUUID() }));
    gateway.socket.on("message", (data) => {
      const frame = JSON.parse(data.toString());
      if (frame.type === "command" && frame.user === "bert") gateway.reply("bert", frame.command.id);
    });
    const answers = await Promise.all(sent);
    const fast = answers.filter((answer) => answer.status === 429);
    assert.ok(fast.length >= 1 && fast.every((answer) => Number(answer.headers.get("retry-after")) >= 1));
    assert.ok(answers.some((answer) => answer.status === 200));
    for (let n = (await tokens(bert)).length; n < 10; n += 1) await make(bert, `Token ${n}`);
    const eleventh = await edge.request("/api/dial-tokens", { cookie: bert, body: { label: "One more" } });
    assert.deepEqual([eleventh.status, (await eleventh.json()).error], [409, { type: "too_many_tokens", max: 10 }]);
    const guess = () => edge.request("/api/dial", {
      ...withToken("A".repeat(43)), body: { number: NUMBER, id: randomUUID() }, network: "203.0.113.9",
    });
    const guesses = [];
    for (let n = 0; n < 25; n += 1) guesses.push((await guess()).status);
    assert.equal(guesses[0], 401);
    assert.equal(guesses.at(-1), 429);
  });

  test("a new password voids the tokens; the description is served as it lies in docs", async () => {
    const { token } = await make(anna, "Before the new password");
    anna = await edge.invite(gateway, "anna", "another horse battery");
    assert.deepEqual(await tokens(anna), []);
    assert.equal((await dial(token, { number: NUMBER })).status, 401);
    const served = await (await edge.request("/api/openapi.json", { origin: null })).json();
    const kept = JSON.parse(await readFile(new URL("../../docs/openapi.json", import.meta.url)));
    assert.deepEqual(served, kept);
    assert.deepEqual(Object.keys(served.paths), ["/api/dial", "/api/dial/{id}"]);
  });
});
