// The HTTP interface: headers, methods, bodies, invitations.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Edge, sleep, until } from "./support/edge.mjs";

describe("http", () => {
  let edge, gateway;

  before(async () => {
    edge = await Edge.start();
    gateway = await edge.gateway(["anna", "bert", "carla@example.org"]);
  });
  after(() => edge.stop());

  test("the health check tells the version", async () => {
    const answer = await edge.request("/api/health");
    const body = await answer.json();
    assert.equal(body.ok, true);
    assert.match(body.version, /^\d+\.\d+\.\d+$/);
  });

  test("every answer carries the security headers", async () => {
    for (const [path, status] of [["/", 200], ["/assets/app-0123.js", 200], ["/any/page", 200], ["/api/health", 200], ["/api/nothing", 404]]) {
      const answer = await edge.request(path);
      assert.equal(answer.status, status, path);
      const header = (name) => answer.headers.get(name) ?? "";
      assert.match(header("content-security-policy"), /^default-src 'none'; .*frame-ancestors 'none'/, path);
      assert.ok(!/unsafe-inline|'unsafe-eval'/.test(header("content-security-policy")), path);
      assert.equal(header("x-content-type-options"), "nosniff", path);
      assert.equal(header("referrer-policy"), "no-referrer", path);
      assert.equal(header("cross-origin-opener-policy"), "same-origin", path);
      assert.equal(header("cross-origin-resource-policy"), "same-origin", path);
      assert.match(header("strict-transport-security"), /^max-age=\d{8}/, path);
      if (path.startsWith("/api")) assert.equal(header("cache-control"), "no-store", path);
    }
    const page = await edge.request("/");
    assert.match(page.headers.get("content-security-policy"), /script-src 'self' 'wasm-unsafe-eval';/);
    assert.match(page.headers.get("permissions-policy"), /microphone=\(self\)/);
    const asset = await edge.request("/assets/app-0123.js");
    assert.match(asset.headers.get("cache-control"), /max-age=31536000, immutable$/);
  });

  test("unknown paths, wrong methods and odd bodies get typed errors", async () => {
    const cases = [
      ["/api/nothing", {}, 404, "not_found"],
      ["/api", {}, 404, "not_found"],
      ["/api/sign-in", { method: "GET" }, 405, "method_not_allowed"],
      ["/api/session", { method: "POST", body: {} }, 405, "method_not_allowed"],
      ["/api/sign-in", { method: "POST" }, 400, "malformed"],
      ["/api/sign-in", { body: "{" }, 400, "malformed"],
      ["/api/sign-in", { body: "[]" }, 400, "malformed"],
      ["/api/sign-in", { body: { user: 7, password: null } }, 400, "malformed"],
      ["/api/sign-in", { body: "{}", headers: { "Content-Type": "text/plain" } }, 415, "unsupported_media_type"],
      ["/api/sign-in", { body: { user: "anna", password: "x".repeat(5000) } }, 413, "too_large"],
      ["/api/sign-out", { body: "nonsense" }, 400, "malformed"],
      ["/api/ticket", { method: "POST" }, 401, "not_signed_in"],
      ["/api/socket", {}, 426, "upgrade_required"],
      ["/link?site=demo", {}, 426, "upgrade_required"],
    ];
    for (const [path, options, status, type] of cases) {
      const answer = await edge.request(path, options);
      assert.equal(answer.status, status, `${path} ${JSON.stringify(options).slice(0, 80)}`);
      assert.equal((await answer.json()).error.type, type);
    }
    const wrong = await edge.request("/api/sign-in", { method: "DELETE" });
    assert.equal(wrong.headers.get("allow"), "POST");
  });

  test("no body however odd brings the worker down", async () => {
    const odd = ["\u0000", "{\"user\":\"\\ud800\",\"password\":\"x\"}", "[".repeat(4000), "{\"user\":\"a\",\"user\":\"b\",\"password\":\"\"}", "1e999", "\ufeff{}"];
    for (const body of odd) {
      for (const path of ["/api/sign-in", "/api/sign-out", "/api/invitation", "/api/invitation/check"]) {
        const answer = await edge.request(path, { body });
        assert.ok(answer.status >= 200 && answer.status < 500, `${path} ${answer.status}`);
      }
    }
    for (const cookie of ["__Host-ponte=", "=;=;", "__Host-ponte=%00", `__Host-ponte=${"é".repeat(20)}`.normalize("NFD").replace(/[^\x20-\x7e]/g, "?")]) {
      assert.equal(await edge.session(cookie), null);
    }
    assert.equal((await edge.request("/api/health")).status, 200);
  });

  test("an invitation sets the first password, once", async () => {
    const token = gateway.invite("bert");
    const check = await until(async () => {
      const answer = await edge.request("/api/invitation/check", { body: { token } });
      return answer.status === 200 && answer;
    }, "the invitation");
    const invited = await check.json();
    assert.equal(invited.user, "bert");
    assert.equal(invited.display_name, "BERT");
    assert.ok(invited.expires_at > Date.now());

    for (const [password, reason] of [["short", "too_short"], ["x".repeat(257), "too_long"], ["Password123", "common"], ["aaaaaaaaaaaa", "common"]]) {
      const answer = await edge.request("/api/invitation", { body: { token, password } });
      assert.equal(answer.status, 422);
      assert.deepEqual((await answer.json()).error, { type: "weak_password", reason });
    }
    const set = await edge.request("/api/invitation", { body: { token, password: "correct horse battery" } });
    assert.equal(set.status, 204);
    const cookie = set.headers.get("set-cookie").split(";")[0];
    assert.equal((await (await edge.request("/api/session", { cookie })).json()).user, "bert");
    await edge.signIn("bert", "correct horse battery");

    const again = await edge.request("/api/invitation", { body: { token, password: "another password" } });
    assert.equal(again.status, 410);
    gateway.invite("bert", { token });
    await gateway.settled();
    assert.equal((await edge.request("/api/invitation/check", { body: { token } })).status, 410, "sent again, it stays used");
  });

  test("a password is not the user's name", async () => {
    const token = gateway.invite("carla@example.org");
    await gateway.settled();
    const answer = await edge.request("/api/invitation", { body: { token, password: "Carla@Example.org" } });
    assert.deepEqual((await answer.json()).error, { type: "weak_password", reason: "user_name" });
  });

  test("unknown, expired and stray invitations are told apart", async () => {
    assert.equal((await edge.request("/api/invitation/check", { body: { token: "never sent" } })).status, 404);
    const brief = gateway.invite("anna", { lifetimeMs: 300 });
    const stray = gateway.invite("nobody");
    await gateway.settled();
    assert.equal((await edge.request("/api/invitation/check", { body: { token: brief } })).status, 200);
    assert.equal((await edge.request("/api/invitation/check", { body: { token: stray } })).status, 404);
    await sleep(350);
    assert.equal((await edge.request("/api/invitation/check", { body: { token: brief } })).status, 410);
  });

  test("a new invitation voids the one before, also where that one is sent again", async () => {
    const status = async (token) => (await edge.request("/api/invitation/check", { body: { token } })).status;
    const [first, second] = [gateway.invite("bert"), gateway.invite("bert")];
    await gateway.settled();
    assert.deepEqual([await status(first), await status(second)], [410, 200]);
    const accepting = { body: { token: first, password: "correct horse battery" } };
    assert.equal((await edge.request("/api/invitation", accepting)).status, 410);
    gateway.invite("bert", { token: first });
    await gateway.settled();
    assert.deepEqual([await status(first), await status(second)], [410, 200]);
  });

  test("a new invitation sets a new password and ends what was signed in with the old one", async () => {
    const old = await edge.invite(gateway, "anna", "the first password");
    const portal = await edge.portal(old);
    const fresh = await edge.invite(gateway, "anna", "the second password");
    assert.equal(await portal.closed, 4401);
    assert.equal(await edge.session(old), null);
    assert.ok(await edge.session(fresh));
    const answer = await edge.request("/api/sign-in", { body: { user: "anna", password: "the first password" } });
    assert.equal(answer.status, 401);
  });
});
