// Who gets to the routes of an app, as a client sees it.
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type App, startApp, Visitor } from "./support/app";

let app: App;
let guest: Visitor;
let ada: Visitor;
let token: string;

beforeAll(async () => {
  app = await startApp();
  guest = new Visitor(app, {});
  ada = new Visitor(app);
  await ada.register("Ada");
  token = (
    await ada.json<{ token: string }>("/api/auth/tokens", {
      json: { name: "ci", abilities: ["orders:read"] },
    })
  ).token;
});
afterAll(() => app.stop());

describe("a route under /api", () => {
  it("refuses an anonymous request in the words of the engine", async () => {
    const response = await guest.fetch("/api/orders");
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="adyton"');
    expect(response.headers.get("cache-control")).toBe("no-store");
    const words = await guest.json("/api/auth/user");
    expect(await response.json()).toEqual(words);
  });

  it("tells its handler who calls by cookie", async () => {
    expect(await ada.json("/api/orders")).toEqual({ owner: "Ada", guard: "session" });
  });

  it("and by token", async () => {
    const bearer = new Visitor(app, { authorization: `Bearer ${token}` });
    expect(await bearer.json("/api/orders")).toEqual({ owner: "Ada", guard: "token" });
  });

  it("refuses a bad token even beside a good cookie", async () => {
    const response = await ada.fetch("/api/orders", {
      headers: { authorization: `Bearer ${token.slice(0, -1)}0` },
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "token_invalid" });
    expect(response.headers.get("www-authenticate")).toContain('error="invalid_token"');
  });

  it.each([
    ["another site", { "sec-fetch-site": "cross-site", origin: "https://evil.example" }, 403],
    ["an opaque origin", { "sec-fetch-site": "cross-site", origin: "null" }, 403],
    ["something without a word about itself", {}, 403],
    ["a page of its own", { "sec-fetch-site": "same-origin" }, 200],
  ])("answers a cookie's unsafe request from %s", async (_, headers, status) => {
    const visitor = new Visitor(app, headers);
    for (const [name, value] of ada.cookies) visitor.cookies.set(name, value);
    const response = await visitor.fetch("/api/orders", { method: "POST", body: "x" });
    expect(response.status).toBe(status);
    if (status === 403) expect(await response.json()).toMatchObject({ code: "csrf_failed" });
  });

  it("takes the CSRF token of old browsers", async () => {
    const old = new Visitor(app, { "x-xsrf-token": decodeURIComponent(ada.cookies.get("XSRF-TOKEN")!) });
    for (const [name, value] of ada.cookies) old.cookies.set(name, value);
    expect((await old.fetch("/api/orders", { method: "POST", body: "x" })).status).toBe(200);
  });

  it("is open where `noAuthRoutes` says so, with any query", async () => {
    expect((await guest.fetch("/api/public/prices?next=/../orders")).status).toBe(200);
    expect((await guest.fetch("/api/public/prices", { method: "POST" })).status).toBe(401);
  });

  it("is guarded before a route rule passes the request on", async () => {
    expect((await guest.fetch("/api/elsewhere/x/y")).status).toBe(401);
    expect(await ada.json("/api/elsewhere/x/y")).toEqual({ path: "/echo/x/y" });
  });

  it("does not run for a preflight, which the route rules answer", async () => {
    const preflight = {
      method: "OPTIONS",
      headers: { origin: "https://front.example", "access-control-request-method": "GET" },
    };
    const allowed = await guest.fetch("/api/cors", preflight);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://front.example");
    expect((await guest.fetch("/api/orders", preflight)).status).toBe(401);
    // And a refusal can be read where an answer could be.
    expect((await guest.fetch("/api/cors")).headers.get("access-control-allow-origin")).toBe(
      "https://front.example",
    );
  });

  it("below the path of the endpoints may be the app's own", async () => {
    expect(await guest.json("/api/auth/getToken", { method: "POST" })).toEqual({ own: true });
    expect((await guest.fetch("/api/auth/nothing/else")).status).toBe(401);
  });
});

/** Sends a target as it is: `fetch` would tidy it up first. */
function raw(
  target: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(app.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: target, headers }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode!, text }));
    });
    sent.on("error", reject).end();
  });
}

describe("no way of writing a path gets past the guard", () => {
  const handled = /^\{"owner"|^all items|^item |^handled/;

  it.each([
    "/api/orders",
    "/api/orders/",
    "/api/orders?x",
    "/api/orders#x",
    "/api/orders%3fx",
    "/%61pi/orders",
    "/%61%70%69/orders",
    "/api/%6frders",
    "/api/orders%2f",
    "/API/orders",
    "/Api/orders",
    "//api/orders",
    "/api//orders",
    "///api/orders",
    "/./api/orders",
    "/x/../api/orders",
    "/api/x/../orders",
    "/api/public/../orders",
    "/api/public/%2e%2e/orders",
    "/api/public/..%2forders",
    "/api/public/..;/orders",
    "/api/public%2f..%2forders",
    "/api%2forders",
    "/api%5corders",
    "/api\\orders",
    "/api;/orders",
    "/api/orders;x",
    "/api/orders%00",
    "/api/orders%20",
    "/api/orders%0a",
    "/api/public%00/../orders",
    "/%2561pi/orders",
    "/api/%256frders",
    "/api/orders%",
    "/%61pi/orders%",
    "/%61pi/orders%ff",
    "http://a/api/orders",
    "*",
    "/api/items%3f/7",
    "/api/items%3fx/7",
    "/api/items%3f/7?x",
    "/api/items/%3f/7",
    "/api/items%23/7",
    "/api/items/",
    "/api/orders%3f/7",
    "/api/orders%3F/7",
    "/%61pi/items%3f/7",
  ])("%s", async (target) => {
    const { status, text } = await raw(target);
    expect(text.slice(0, 40)).not.toMatch(handled);
    expect(status).toBeGreaterThanOrEqual(400);
  });

  it("although the exemption that the tricks hope for is there", async () => {
    expect(await raw("/api/items/7")).toEqual({ status: 200, text: "item 7" });
    expect((await raw("/api/items")).status).toBe(401);
  });
});

describe("an app below a path", () => {
  let below: App;
  beforeAll(async () => {
    below = await startApp({ NUXT_APP_BASE_URL: "/sub/" });
  });
  afterAll(() => below.stop());

  it("is guarded there, and has its endpoints there", async () => {
    const visitor = new Visitor(below);
    const { status } = await visitor.fetch("/sub/api/auth/register", {
      json: { name: "Sub", email: "sub@example.com", password: "a long enough password" },
    });
    expect(status).toBe(201);
    expect(await visitor.json("/sub/api/orders")).toEqual({ owner: "Sub", guard: "session" });
    expect(await visitor.who("/sub/")).toBe("authenticated:Sub:*");
    expect(await visitor.who("/sub/orders")).toBe("Sub");
    const anonymous = new Visitor(below, {});
    for (const path of ["/sub/api/orders", "/sub/%61pi/orders", "/%73ub/api/orders", "/sub/api/orders/"]) {
      expect((await anonymous.fetch(path)).status, path).toBe(401);
    }
    for (const path of ["/api/orders", "/subx/api/orders", "/sub//api/orders", "/subapi/orders"]) {
      expect((await anonymous.fetch(path)).status, path).toBe(404);
    }
    expect((await anonymous.fetch("/sub/private")).headers.get("location")).toBe("/sub/login?redirect=/private");
  });
});

describe("on a route that nobody guards", () => {
  it("getPrincipal tells who it is, and takes a bad credential for a guest's", async () => {
    expect(await ada.json("/api/optional")).toEqual({ caller: "Ada" });
    expect(await guest.json("/api/optional")).toEqual({ caller: null });
    expect(await guest.json("/api/optional", { headers: { authorization: "Bearer adt_nothing" } })).toEqual({
      caller: null,
    });
  });

  it("requireUser refuses guests as the endpoints do", async () => {
    const response = await guest.fetch("/me");
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="adyton"');
    expect(await response.json()).toMatchObject({ code: "unauthenticated" });
    expect(await ada.json("/me")).toEqual({ name: "Ada" });
  });

  it("requireUser checks where a cookie's request comes from", async () => {
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    expect((await ada.fetch("/me", { method: "POST", headers })).status).toBe(403);
    expect((await ada.fetch("/me", { method: "POST" })).status).toBe(200);
  });

  it("requireAbility names what is missing", async () => {
    const able = new Visitor(app, { authorization: `Bearer ${token}` });
    expect((await able.fetch("/api/checked")).status).toBe(200);
    const { token: other } = await ada.json<{ token: string }>("/api/auth/tokens", {
      json: { name: "x", abilities: ["users:read"] },
    });
    const response = await guest.fetch("/api/checked", { headers: { authorization: `Bearer ${other}` } });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: "missing_ability", missing: ["orders:read"] });
    expect(response.headers.get("www-authenticate")).toContain("insufficient_scope");
  });

  it("a cached answer that depends on its caller is kept for nobody", async () => {
    const bob = new Visitor(app);
    await bob.register("Bob");
    expect(await ada.json("/api/cached")).toEqual({ owner: "Ada" });
    expect(await bob.json("/api/cached")).toEqual({ owner: "Bob" });
    expect((await guest.fetch("/api/cached")).status).toBe(401);
    const both = await Promise.all([ada.json("/api/cached"), bob.json("/api/cached")]);
    expect(both).toEqual([{ owner: "Ada" }, { owner: "Bob" }]);
    expect((await ada.fetch("/api/cached")).headers.get("cache-control")).toBe("private, no-store");
  });
});

describe("the endpoints", () => {
  it.each([66_000, 10_000_000])(
    "take no more of a body of %i bytes than they want, and leave nothing of it behind",
    async (size) => {
      const sending = guest.fetch("/api/auth/login", { json: { email: "x".repeat(size), password: "x" } });
      // Who sends megabytes may be cut off before they listen.
      const status = await sending.then(
        (response) => response.status,
        () => "cut off",
      );
      expect(size > 1e6 ? [413, "cut off"] : [413]).toContain(status);
      for (let turn = 0; turn < 3; turn += 1) {
        expect((await guest.fetch("/api/auth/session")).status).toBe(200);
      }
    },
  );

  it("answer bad input as ever", async () => {
    expect(
      (
        await guest.fetch("/api/auth/login", {
          method: "POST",
          body: "{",
          headers: { "content-type": "application/json" },
        })
      ).status,
    ).toBe(400);
    expect(await guest.json("/api/auth/login", { method: "POST", body: "a=b" })).toMatchObject({
      status: 415,
    });
    expect((await guest.fetch("/api/auth/login", { method: "PUT" })).status).toBe(405);
  });

  it("count attempts by the address of the connection, whatever a client claims", async () => {
    const statuses: number[] = [];
    for (let turn = 0; turn < 7; turn += 1) {
      const headers = { "x-forwarded-for": `198.51.100.${turn}` };
      const json = { email: "victim@example.com", password: "wrong password" };
      statuses.push((await guest.fetch("/api/auth/login", { json, headers })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });

  it("count those too that the app makes to itself for a visitor", async () => {
    const statuses: unknown[] = [];
    for (let turn = 0; turn < 6; turn += 1) {
      const json = { email: "other@example.com", password: "wrong password" };
      statuses.push((await guest.json("/relay", { json })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  });

  it("say that their file is where it is, and what to set for other hosts than localhost", () => {
    expect(app.log()).toContain("users and sessions are in ./data/adyton.sqlite3");
    expect(app.log()).toContain("NUXT_ADYTON_SERVER_PUBLIC_URL");
  });
});
