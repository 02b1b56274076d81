// Sign-in, sessions, tickets, and what keeps strangers out.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Edge, until } from "./support/edge.mjs";
import { Portal } from "./support/portal.mjs";

const PASSWORD = "correct horse battery";
const COOKIE = /^__Host-ponte=[A-Za-z0-9_-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=2592000$/;

describe("sign-in", () => {
  let edge, gateway;
  const users = ["anna", "bert", "carla", "dora", "emil", "fred", "gina"];

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway(users);
    for (const user of users) await edge.invite(gateway, user, PASSWORD);
  });
  after(() => edge.stop());

  test("the right password gives a session in a cookie that scripts cannot read", async () => {
    const answer = await edge.request("/api/sign-in", { body: { user: " Anna ", password: PASSWORD } });
    assert.equal(answer.status, 204);
    const cookie = answer.headers.get("set-cookie");
    assert.match(cookie, COOKIE);
    const session = await edge.request("/api/session", { cookie: cookie.split(";")[0] });
    assert.deepEqual(await session.json(), { user: "anna", display_name: "ANNA" });
    assert.equal(await edge.session(), null);
    assert.equal(await edge.session(`__Host-ponte=${"a".repeat(43)}`), null);
  });

  test("a wrong password and an unknown user get the same answer", async () => {
    const attempts = [["bert", "not the password"], ["nobody", PASSWORD], ["ünbekannt", PASSWORD], ["", ""]];
    const answers = [];
    for (const [user, password] of attempts) {
      const answer = await edge.request("/api/sign-in", { body: { user, password } });
      const headers = [...answer.headers].filter(([name]) => !["date", "content-length"].includes(name));
      answers.push({ status: answer.status, body: await answer.json(), headers });
    }
    assert.deepEqual(answers[0].body, { error: { type: "wrong_credentials" } });
    assert.equal(answers[0].status, 401);
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
  });

  test("attempts on one account are delayed more and more, and success ends it", async () => {
    const attempt = (password) => edge.request("/api/sign-in", { body: { user: "carla", password } });
    for (let n = 0; n < 5; n += 1) assert.equal((await attempt("wrong password")).status, 401);
    const early = await attempt(PASSWORD);
    assert.equal(early.status, 429);
    assert.equal(early.headers.get("retry-after"), "1");
    const { error } = await early.json();
    assert.equal(error.type, "too_many_attempts");
    assert.ok(error.retry_after_ms > 0 && error.retry_after_ms <= 1000);
    await new Promise((resolve) => setTimeout(resolve, error.retry_after_ms + 20));
    assert.equal((await attempt("wrong password")).status, 401);
    const longer = await (await attempt(PASSWORD)).json();
    assert.ok(longer.error.retry_after_ms > 1000, JSON.stringify(longer));
    await new Promise((resolve) => setTimeout(resolve, longer.error.retry_after_ms + 20));
    assert.equal((await attempt(PASSWORD)).status, 204);
    assert.equal((await attempt("wrong password")).status, 401);
    assert.equal((await attempt(PASSWORD)).status, 204);
  });

  test("guesses at once are counted like guesses in a row", async () => {
    const guesses = Array.from({ length: 12 }, (_, n) =>
      edge.request("/api/sign-in", { body: { user: "dora", password: `guess number ${n}` } }));
    const statuses = (await Promise.all(guesses)).map((answer) => answer.status);
    assert.equal(statuses.filter((status) => status === 401).length, 5);
    assert.equal(statuses.filter((status) => status === 429).length, 7);
  });

  test("what another site's page sends is refused", async () => {
    const cookie = await edge.signIn("emil", PASSWORD);
    for (const origin of [null, "null", "https://evil.example", `${edge.origin}.evil.example`, `http://127.0.0.1:${edge.port}`]) {
      for (const path of ["/api/sign-in", "/api/sign-out", "/api/ticket", "/api/invitation", "/api/invitation/check"]) {
        const answer = await edge.request(path, { method: "POST", cookie, origin, body: {} });
        assert.equal(answer.status, 403, `${path} from ${origin}`);
        assert.equal((await answer.json()).error.type, "foreign_origin");
      }
      const ticket = await edge.ticket(cookie);
      await assert.rejects(Portal.open(edge, cookie, ticket, { origin }), { status: 403 });
    }
    assert.ok(await edge.session(cookie));
  });

  test("a ticket opens one socket, of its own session", async () => {
    const cookie = await edge.signIn("emil", PASSWORD);
    const other = await edge.signIn("bert", PASSWORD);
    const ticket = await edge.ticket(cookie);
    const portal = await Portal.open(edge, cookie, ticket);
    assert.equal(portal.socket.protocol, "ponte.v1");
    await assert.rejects(Portal.open(edge, cookie, ticket), { status: 401 });
    const stolen = await edge.ticket(cookie);
    await assert.rejects(Portal.open(edge, other, stolen), { status: 401 });
    await assert.rejects(Portal.open(edge, cookie, stolen), { status: 401 }, "a ticket that was tried is used up");
    await assert.rejects(Portal.open(edge, cookie, "x".repeat(43)), { status: 401 });
    const fresh = await edge.ticket(cookie);
    await assert.rejects(Portal.open(edge, "", fresh), { status: 401 });
    await assert.rejects(Portal.open(edge, cookie, fresh, { protocols: [`ticket.${fresh}`] }), { status: 401 });
    await portal.close();
  });

  test("a session may not hoard tickets", async () => {
    const cookie = await edge.signIn("emil", PASSWORD);
    for (let n = 0; n < 10; n += 1) await edge.ticket(cookie);
    const answer = await edge.request("/api/ticket", { method: "POST", cookie });
    assert.equal(answer.status, 429);
  });

  test("sign-out closes every socket of the session within a second, and no other", async () => {
    const [one, two] = [await edge.signIn("fred", PASSWORD), await edge.signIn("fred", PASSWORD)];
    const tabs = [await edge.portal(one), await edge.portal(one)];
    const elsewhere = await edge.portal(two);
    const started = Date.now();
    const answer = await edge.request("/api/sign-out", { method: "POST", cookie: one });
    assert.equal(answer.status, 204);
    assert.match(answer.headers.get("set-cookie"), /^__Host-ponte=; .*Max-Age=0$/);
    for (const tab of tabs) {
      await tab.take("signed_out");
      assert.equal(await tab.closed, 4401);
    }
    assert.ok(Date.now() - started < 1000);
    assert.equal(await edge.session(one), null);
    elsewhere.send({ type: "ping", n: 1 });
    await elsewhere.take("pong");

    const everywhere = await edge.request("/api/sign-out", { body: { everywhere: true }, cookie: two });
    assert.equal(everywhere.status, 204);
    assert.equal(await elsewhere.closed, 4401);
    assert.equal(await edge.session(two), null);
  });

  test("signing out everywhere ends sessions on other devices", async () => {
    const [one, two] = [await edge.signIn("gina", PASSWORD), await edge.signIn("gina", PASSWORD)];
    await edge.request("/api/sign-out", { body: { everywhere: true }, cookie: one });
    assert.equal(await edge.session(two), null);
  });

  test("who is no longer among the users loses password, session and sockets", async () => {
    const cookie = await edge.signIn("gina", PASSWORD);
    const tabs = [await edge.portal(cookie), await edge.portal(await edge.signIn("gina", PASSWORD))];
    const started = Date.now();
    await gateway.setUsers(users.filter((user) => user !== "gina"));
    for (const tab of tabs) {
      await tab.take("signed_out");
      assert.equal(await tab.closed, 4401);
    }
    assert.ok(Date.now() - started < 1000);
    assert.equal(await edge.session(cookie), null);
    await gateway.setUsers(users);
    const answer = await edge.request("/api/sign-in", { body: { user: "gina", password: PASSWORD } });
    assert.equal(answer.status, 401);
  });

  test("nothing secret is logged", async () => {
    await until(() => edge.output.length > 0, "output");
    assert.ok(!edge.output.includes(PASSWORD));
    assert.ok(!edge.output.includes("__Host-ponte"));
    assert.ok(!edge.output.includes(edge.key.toString("hex")));
  });
});
