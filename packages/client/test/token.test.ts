import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, NetworkError } from "../src/index.js";
import type { Client } from "../src/index.js";
import { Browser, json, offline, PERSON, problem, Server, settled } from "./world.js";

let server: Server;
let browser: Browser;

const HOUR = 3_600_000;
const signedIn = async (): Promise<Client> => {
  const client = browser.tab({ mode: "token" });
  await client.login(PERSON);
  return client;
};
const bearer = (path: string) => server.asked(`GET ${path}`).map(({ headers }) => headers.get("authorization"));

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  browser = new Browser(server);
});

afterEach(() => {
  browser.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("asks a server nothing for a guest", async () => {
  const client = browser.tab({ mode: "token" });
  expect(await client.restore()).toMatchObject({ status: "guest", reason: null });
  expect(await client.token()).toBeNull();
  expect(await client.refresh()).toMatchObject({ status: "guest" });
  await client.logout();
  expect(server.seen).toHaveLength(0);
});

it("signs in with the token guard, and the app's requests with the token", async () => {
  const client = await signedIn();
  expect(JSON.parse(server.asked("POST /login")[0]!.body)).toMatchObject({ guard: "token" });
  expect(client.state).toMatchObject({ status: "authenticated", guard: "token", abilities: ["*"], session: { id: "session1" } });
  await client.fetch("/api/orders", { headers: { "x-mine": "1" } });
  const { headers } = server.seen.at(-1)!;
  expect([headers.get("authorization"), headers.get("x-mine")]).toEqual(["Bearer adt_1", "1"]);
  expect(await client.token()).toBe("adt_1");
});

it("uses the header and the prefix of the server's configuration", async () => {
  const client = browser.tab({ mode: "token", tokenHeader: "X-Token", prefix: "" });
  await client.login(PERSON);
  await client.fetch("/api/orders");
  expect(server.seen.at(-1)!.headers.get("x-token")).toBe("adt_1");
  expect(server.seen.at(-1)!.headers.get("authorization")).toBeNull();
});

it("leaves alone a request that brings a credential of its own", async () => {
  const client = await signedIn();
  const response = await client.fetch("/api/orders", { headers: { Authorization: "Bearer adt_other" } });
  expect(response.status).toBe(401);
  expect(bearer("/api/orders")).toEqual(["Bearer adt_other"]);
  expect(server.asked("POST /refresh")).toHaveLength(0);
});

it("tells the endpoints, and only them, which device this is, also after a sign-out", async () => {
  const client = await signedIn();
  await client.fetch("/api/orders");
  await client.sessions();
  await client.refresh();
  await client.logout();
  await client.login(PERSON);
  await client.refresh();
  const sent = server.seen.map(({ path, headers }) => `${path} ${headers.get("x-device-id")}`);
  expect(sent).toEqual([
    "/login null",
    "/session add_1",
    "/api/orders null",
    "/sessions add_1",
    "/refresh add_1",
    "/logout add_1",
    "/login add_1",
    "/session add_1",
    "/refresh add_1",
  ]);
});

describe("ahead of the end", () => {
  it("renews by itself, thirty seconds before", async () => {
    const client = await signedIn();
    await vi.advanceTimersByTimeAsync(HOUR - 31_000);
    expect(server.asked("POST /refresh")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(server.asked("POST /refresh")).toHaveLength(1);
    expect(client.state.expiresAt).toBe(new Date(Date.now() - 500 + HOUR).toISOString());
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(server.asked("POST /refresh")).toHaveLength(2);
  });

  it("does so also with a life of five seconds, and lets no 401 happen", async () => {
    server.life = 5;
    const client = await signedIn();
    for (let second = 0; second < 60; second++) {
      expect((await client.fetch("/api/orders")).status).toBe(200);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(server.asked("POST /refresh").length).toBeLessThan(18);
  });

  it("goes by its own clock, whatever that of the server says", async () => {
    const client = await signedIn();
    server.instead = ({ path, headers }) => {
      if (path !== "/refresh") return undefined;
      expect(headers.get("authorization")).toBeNull();
      server.instead = null;
      const times = { expiresAt: "2001-01-01T00:00:00Z", expiresIn: 3600, refreshExpiresAt: "2001-02-01T00:00:00Z" };
      const pair = { token: "adt_skew", refreshToken: "adr_skew", abilities: ["*"], ...times };
      return json({ user: { id: 1 }, guard: "token", sessionId: "session1", newDevice: false, ...pair });
    };
    await client.refresh();
    expect(client.state.expiresAt).toBe("2001-01-01T00:00:00Z");
    await vi.advanceTimersByTimeAsync(HOUR / 2);
    expect(await client.token()).toBe("adt_skew");
    expect(server.asked("POST /refresh")).toHaveLength(1);
  });

  it("outlives a timer that would be too long for a browser", async () => {
    server.life = 40 * 24 * 3600;
    await signedIn();
    await vi.advanceTimersByTimeAsync(3 * HOUR);
    expect(server.asked("POST /refresh")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(40 * 24 * HOUR - 3 * HOUR);
    expect(server.asked("POST /refresh")).toHaveLength(1);
  });

  it("lets a hidden page rest, until it is looked at or asks for something", async () => {
    const client = await signedIn();
    browser.hide(true);
    await vi.advanceTimersByTimeAsync(3 * HOUR);
    browser.online();
    await settled();
    expect(server.asked("POST /refresh")).toHaveLength(0);
    expect((await client.fetch("/api/orders")).status).toBe(200);
    expect(server.asked("POST /refresh")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3 * HOUR);
    browser.hide(false);
    await settled();
    expect(server.asked("POST /refresh")).toHaveLength(2);
    expect(client.state.status).toBe("authenticated");
  });

  it("renews once for many requests at a time", async () => {
    browser.hide(true);
    const client = await signedIn();
    await vi.advanceTimersByTimeAsync(HOUR);
    await Promise.all([client.fetch("/api/a"), client.fetch("/api/b"), client.token(), client.refresh(), client.restore()]);
    expect(server.asked("POST /refresh")).toHaveLength(1);
    expect(bearer("/api/a")).toEqual(["Bearer adt_2"]);
  });

  it("sends a request with what it has when the next pair cannot be had, and lets the 401 decide", async () => {
    const client = await signedIn();
    await vi.advanceTimersByTimeAsync(HOUR - 40_000);
    browser.hide(true);
    await vi.advanceTimersByTimeAsync(20_000);
    server.instead = ({ path }) => (path === "/refresh" ? problem(500, "internal_error") : undefined);
    expect((await client.fetch("/api/orders")).status).toBe(200);
    expect(await client.token()).toBe("adt_1");
    await vi.advanceTimersByTimeAsync(30_000);
    await expect(client.fetch("/api/orders")).rejects.toMatchObject({ code: "internal_error" });
    expect(client.state.status).toBe("authenticated");
  });
});

describe("after a 401", () => {
  const bodies: [string, () => [RequestInfo, RequestInit?]][] = [
    ["text", () => ["/api/orders", { method: "POST", body: "hello" }]],
    ["a stream", () => ["/api/orders", { method: "POST", body: new Blob(["hello"]).stream(), duplex: "half" } as RequestInit]],
    ["a blob", () => ["/api/orders", { method: "POST", body: new Blob(["hello"]) }]],
    ["a request", () => [new Request("https://app.test/api/orders", { method: "POST", body: "hello" })]],
  ];

  it.each(bodies)("renews and sends %s again, whole", async (_, request) => {
    const client = await signedIn();
    server.sessions[0]!.endsAt = 0;
    const response = await client.fetch(...request());
    expect(await response.json()).toEqual({ path: "/api/orders", body: "hello" });
    const sent = server.asked("POST /api/orders");
    expect(sent.map(({ body, headers }) => `${body} ${headers.get("authorization")}`)).toEqual([
      "hello Bearer adt_1",
      "hello Bearer adt_2",
    ]);
  });

  it("does so once only", async () => {
    const client = await signedIn();
    server.instead = ({ path }) => (path === "/api/orders" ? problem(401, "token_expired") : undefined);
    expect((await client.fetch("/api/orders")).status).toBe(401);
    expect(server.asked("GET /api/orders")).toHaveLength(2);
    expect(server.asked("POST /refresh")).toHaveLength(1);
    expect(client.state.status).toBe("authenticated");
  });

  it.each([
    ["the route's own", () => problem(401, "invalid_credentials")],
    ["no word of ours", () => new Response("no", { status: 401 })],
    ["403", () => problem(403, "missing_ability")],
  ])("not after one that means something else: %s", async (_, answer) => {
    const client = await signedIn();
    server.instead = ({ path }) => (path === "/api/orders" ? answer() : undefined);
    await client.fetch("/api/orders");
    expect(server.asked("GET /api/orders")).toHaveLength(1);
    expect(server.asked("POST /refresh")).toHaveLength(0);
  });

  it("renews for its own endpoints too", async () => {
    const client = await signedIn();
    server.sessions[0]!.endsAt = 0;
    expect(await client.sessions()).toHaveLength(1);
    server.sessions[0]!.endsAt = 0;
    expect(await client.restore()).toMatchObject({ status: "authenticated" });
    expect(server.asked("POST /refresh")).toHaveLength(2);
  });

  it.each(["token_invalid", "token_expired", "session_expired", "session_revoked", "refresh_token_reused"])(
    "signs out when the refresh is refused with %s",
    async (code) => {
      const client = await signedIn();
      server.sessions[0]!.endsAt = 0;
      server.instead = ({ path }) => (path === "/refresh" ? problem(401, code) : undefined);
      const response = await client.fetch("/api/orders");
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ code: "token_expired" });
      expect(client.state).toMatchObject({ status: "guest", user: null, reason: code });
      server.instead = null;
      expect(await client.token()).toBeNull();
      await client.fetch("/api/orders");
      expect(bearer("/api/orders").at(-1)).toBeNull();
      await vi.advanceTimersByTimeAsync(2 * HOUR);
      expect(server.asked("POST /refresh")).toHaveLength(1);
    },
  );

  it.each([
    ["no network", offline, NetworkError],
    ["device_mismatch", () => problem(401, "device_mismatch"), ApiError],
    ["a 401 of a proxy", () => new Response("", { status: 401 }), ApiError],
    ["408", () => problem(408, "request_timeout"), ApiError],
    ["422", () => problem(422, "validation_failed"), ApiError],
    ["429", () => problem(429, "too_many_attempts", { "Retry-After": "60" }), ApiError],
    ["500 with a final code", () => problem(500, "internal_error"), ApiError],
    ["503", () => problem(503, "store_unavailable", { "Retry-After": "1" }), ApiError],
    ["a page", () => new Response("<html>"), ApiError],
    ["no tokens", () => json({ user: { id: 1 }, guard: "session" }), TypeError],
  ])("stays signed in, and rejects, when the refresh gets %s", async (_, answer, kind) => {
    const client = await signedIn();
    const before = client.state;
    server.sessions[0]!.endsAt = 0;
    server.instead = ({ path }) => (path === "/refresh" ? answer() : undefined);
    await expect(client.fetch("/api/orders")).rejects.toBeInstanceOf(kind);
    await expect(client.refresh()).rejects.toBeInstanceOf(kind);
    await expect(client.restore()).rejects.toBeInstanceOf(kind);
    expect(client.state).toBe(before);
    server.instead = null;
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await client.fetch("/api/orders")).status).toBe(200);
  });
});

describe("when the server asks for patience", () => {
  it("does not ask again before, not even for the app, and goes on then by itself", async () => {
    const client = await signedIn();
    server.instead = ({ path }) =>
      path === "/refresh" ? problem(429, "too_many_attempts", { "Retry-After": "90" }) : undefined;
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(server.asked("POST /refresh")).toHaveLength(1);
    await expect(client.refresh()).rejects.toMatchObject({ status: 429, retryAfter: 90 });
    await expect(client.fetch("/api/orders")).rejects.toMatchObject({ status: 429 });
    browser.hide(true);
    browser.hide(false);
    await settled();
    await expect(client.refresh()).rejects.toMatchObject({ status: 429 });
    expect(server.asked("POST /refresh")).toHaveLength(1);
    server.instead = null;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.asked("POST /refresh")).toHaveLength(2);
    expect((await client.fetch("/api/orders")).status).toBe(200);
  });

  it("is free again after a new sign-in", async () => {
    const client = await signedIn();
    server.instead = () => problem(429, "too_many_attempts", { "Retry-After": "90" });
    await expect(client.refresh()).rejects.toMatchObject({ status: 429 });
    server.instead = null;
    await client.login(PERSON);
    await client.refresh();
    expect(client.state.session?.id).toBe("session2");
  });

  it("tries every five seconds while there is no answer, and at once when it is online again", async () => {
    await signedIn();
    server.instead = offline;
    await vi.advanceTimersByTimeAsync(HOUR);
    const tries = server.asked("POST /refresh").length;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(9);
    server.instead = null;
    browser.online();
    await settled();
    expect(server.asked("POST /refresh")).toHaveLength(tries + 1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.asked("POST /refresh")).toHaveLength(tries + 1);
  });

  it("gives up a refresh that hangs, so that no tab waits for it", async () => {
    const client = await signedIn();
    const patience = vi.spyOn(AbortSignal, "timeout").mockImplementation((time) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new DOMException("late", "TimeoutError")), time);
      return controller.signal;
    });
    server.instead = ({ path, init }) =>
      path !== "/refresh"
        ? undefined
        : new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error)));
    const refused = expect(client.refresh()).rejects.toBeInstanceOf(NetworkError);
    await vi.advanceTimersByTimeAsync(10_001);
    await refused;
    expect(client.state.status).toBe("authenticated");
    patience.mockRestore();
  });
});

it("ends its timers when it is closed", async () => {
  const client = await signedIn();
  client.close();
  expect(vi.getTimerCount()).toBe(0);
  expect((await client.fetch("/api/orders")).status).toBe(200);
  await client.refresh();
  expect(vi.getTimerCount()).toBe(0);
});
