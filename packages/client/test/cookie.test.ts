import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError, NetworkError } from "../src/index.js";
import { Browser, gate, json, offline, ORIGIN, PERSON, problem, Server, settled } from "./world.js";

let server: Server;
let browser: Browser;

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

it("knows nothing before the first answer, and then that nobody is signed in", async () => {
  const client = browser.tab();
  expect(client.state.status).toBe("loading");
  expect(await client.restore()).toMatchObject({ status: "guest", user: null, reason: null });
});

it("signs in with the session guard, and tells at once all that /session knows", async () => {
  const client = browser.tab();
  const states: string[] = [];
  client.subscribe((state) => states.push(`${state.status} ${state.abilities.join()}`));
  const answer = await client.login(PERSON);
  expect(answer).toMatchObject({ guard: "session", user: { name: "Ada" } });
  expect(JSON.parse(server.asked("POST /login")[0]!.body)).toMatchObject({ guard: "session" });
  expect(states).toEqual(["authenticated *"]);
  expect(client.state).toMatchObject({ guard: "session", session: { id: "session1" }, user: { name: "Ada" } });
  expect(client.state.expiresAt).not.toBeNull();
  expect(await client.token()).toBeNull();
});

it("lets the sign-in stand when /session cannot be had after it", async () => {
  server.instead = ({ path }) => (path === "/session" ? offline() : undefined);
  const client = browser.tab();
  await client.login(PERSON);
  expect(client.state).toMatchObject({ status: "authenticated", guard: "session", abilities: [], expiresAt: null });
});

it("says why a sign-in failed, and stays what it was", async () => {
  const client = browser.tab();
  await client.restore();
  const error = await client.login({ ...PERSON, password: "wrong" }).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 401, code: "invalid_credentials" });
  expect(client.state).toMatchObject({ status: "guest", reason: null });
});

it("sends the CSRF token, decoded, with unsafe methods only", async () => {
  browser.cookie = "a=1; XSRF-TOKEN=a%3Db%2B; XSRF-TOKEN-OLD=no";
  const client = browser.tab();
  await client.login(PERSON);
  await client.fetch("/api/orders");
  await client.fetch("/api/orders", { method: "HEAD" });
  for (const method of ["POST", "put", "patch", "DELETE"]) await client.fetch("/api/orders", { method });
  await client.logout();
  const sent = server.seen.map(({ method, path, headers }) => `${method} ${path} ${headers.get("x-xsrf-token")}`);
  expect(sent).toEqual([
    "POST /login a=b+",
    "GET /session null",
    "GET /api/orders null",
    "HEAD /api/orders null",
    "POST /api/orders a=b+",
    "PUT /api/orders a=b+",
    "patch /api/orders a=b+",
    "DELETE /api/orders a=b+",
    "POST /logout a=b+",
  ]);
});

it("sends no CSRF token that it has not got, a damaged one as it is, and the app's own before it", async () => {
  const client = browser.tab();
  await client.fetch("/api/orders", { method: "POST" });
  browser.cookie = "XSRF-TOKEN=%E0%A4%A";
  await client.fetch("/api/orders", { method: "POST" });
  await client.fetch("/api/orders", { method: "POST", headers: { "X-XSRF-TOKEN": "mine" } });
  expect(server.seen.map(({ headers }) => headers.get("x-xsrf-token"))).toEqual([null, "%E0%A4%A", "mine"]);
});

it("asks for cookies to go to another origin only where baseUrl is one", async () => {
  const near = browser.tab();
  await near.restore();
  await near.fetch("/api/orders");
  const far = browser.tab({ baseUrl: "https://auth.test/api/auth/" });
  await far.restore();
  await far.fetch("https://auth.test/api/orders");
  await far.fetch("https://auth.test/api/orders", { credentials: "omit" });
  await far.fetch("/api/orders");
  const sent = server.seen.map(({ url, init }) => `${url} ${init.credentials}`);
  expect(sent).toEqual([
    `${ORIGIN}/api/auth/session undefined`,
    `${ORIGIN}/api/orders undefined`,
    "https://auth.test/api/auth/session include",
    "https://auth.test/api/orders include",
    "https://auth.test/api/orders omit",
    `${ORIGIN}/api/orders undefined`,
  ]);
});

it.each([
  ["no network", offline, NetworkError],
  ["408", () => problem(408, "request_timeout"), ApiError],
  ["429", () => problem(429, "too_many_attempts"), ApiError],
  ["500", () => problem(500, "internal_error"), ApiError],
  ["503", () => problem(503, "store_unavailable"), ApiError],
  ["a proxy's page", () => new Response("<html>", { status: 502 }), ApiError],
  ["a page where JSON should be", () => new Response("<html>", { status: 200 }), ApiError],
  ["somebody else's JSON", () => json({ ok: true }), TypeError],
  ["JSON that is no object", () => json(1), TypeError],
  ["nothing", () => new Response(null, { status: 204 }), TypeError],
])("stays signed in, and says so, at %s", async (_, answer, kind) => {
  const client = browser.tab();
  await client.login(PERSON);
  const before = client.state;
  server.instead = answer;
  await expect(client.restore()).rejects.toBeInstanceOf(kind);
  await expect(client.refresh()).rejects.toBeInstanceOf(kind);
  expect(client.state).toBe(before);
});

it("asks /session after a 401 that means the session, and believes its answer", async () => {
  const client = browser.tab();
  await client.login(PERSON);
  server.end("session_expired");
  expect((await client.fetch("/api/orders")).status).toBe(401);
  expect(client.state).toMatchObject({ status: "guest", user: null, reason: "session_expired" });
  expect(server.asked("GET /session")).toHaveLength(2);
  await client.fetch("/api/orders");
  expect(server.asked("GET /session")).toHaveLength(2);
});

it.each([
  ["the route's own 401", () => problem(401, "invalid_credentials"), 0],
  ["a 401 without any word of ours", () => new Response("no", { status: 401 }), 0],
  ["Basic", () => new Response("", { status: 401, headers: { "www-authenticate": "Basic realm=x" } }), 0],
  ["a 403", () => problem(403, "token_invalid"), 0],
  ["a lost cookie", () => problem(401, "unauthenticated"), 1],
  ["a proxy that hands our header on", () => new Response("", { status: 401, headers: { "www-authenticate": 'Bearer realm="adyton"' } }), 1],
])("after %s it stays signed in while /session says so", async (_, answer, questions) => {
  const client = browser.tab();
  await client.login(PERSON);
  server.instead = ({ path }) => (path === "/api/orders" ? answer() : undefined);
  const response = await client.fetch("/api/orders");
  expect(response.bodyUsed).toBe(false);
  expect(client.state.status).toBe("authenticated");
  expect(server.asked("GET /session")).toHaveLength(1 + questions);
  expect(server.asked("GET /api/orders")).toHaveLength(1);
});

it("stays signed in when /session cannot be had after a 401", async () => {
  const client = browser.tab();
  await client.login(PERSON);
  server.instead = ({ path }) => (path === "/session" ? offline() : problem(401, "session_expired"));
  expect((await client.fetch("/api/orders")).status).toBe(401);
  await expect(client.sessions()).rejects.toMatchObject({ code: "session_expired" });
  expect(client.state.status).toBe("authenticated");
});

it("asks once for many at a time", async () => {
  const client = browser.tab();
  await Promise.all([client.restore(), client.restore(), client.restore()]);
  expect(server.asked("GET /session")).toHaveLength(1);
  await client.restore();
  expect(server.asked("GET /session")).toHaveLength(2);
});

it("does not let an answer from before a sign-in or a sign-out have the last word", async () => {
  const client = browser.tab();
  const late = gate();
  server.instead = async ({ path }) => {
    if (path !== "/session") return undefined as never;
    server.instead = null;
    await late.passed;
    return json({ user: null });
  };
  const asked = client.restore();
  await client.login(PERSON);
  late.open();
  expect(await asked).toMatchObject({ status: "authenticated" });
  expect(client.state.status).toBe("authenticated");

  const later = gate();
  const current = json({ user: { id: 1 }, guard: "session", abilities: [], expiresAt: null, session: null });
  server.instead = async ({ path }) => {
    if (path !== "/session") return undefined as never;
    await later.passed;
    return current;
  };
  const again = client.restore();
  await client.logout();
  later.open();
  await again;
  expect(client.state.status).toBe("guest");
});

it("rejects, and does not wait for itself, when /session is a 401", async () => {
  const client = browser.tab();
  await client.login(PERSON);
  server.instead = () => problem(401, "token_invalid");
  await expect(client.restore()).rejects.toMatchObject({ code: "token_invalid" });
  expect(client.state.status).toBe("authenticated");
});

it("lets a sign-out stand that came while a sign-in or a change was still asking", async () => {
  for (const begin of ["login", "updateUser"] as const) {
    const client = browser.tab();
    await client.login(PERSON);
    const late = gate();
    server.instead = async ({ path, method }) => {
      const answer = method === "PATCH" || path === "/session" ? json({ user: { id: 1 }, id: 1 }) : undefined;
      if (answer) await late.passed;
      return answer as never;
    };
    const begun = begin === "login" ? client.login(PERSON) : client.updateUser({ name: "Countess" });
    await settled();
    await client.logout();
    late.open();
    await begun;
    expect(client.state).toMatchObject({ status: "guest", user: null });
    server.instead = null;
    client.close();
  }
});

it("stays signed in when the sign-out did not reach the server", async () => {
  const client = browser.tab();
  await client.login(PERSON);
  server.instead = offline;
  await expect(client.logout()).rejects.toBeInstanceOf(NetworkError);
  expect(client.state.status).toBe("authenticated");
});

it("ends all other sessions first when it signs out everywhere", async () => {
  const client = browser.tab();
  await client.login(PERSON);
  await client.logout({ everywhere: true });
  expect(server.seen.slice(-2).map(({ method, path }) => `${method} ${path}`)).toEqual(["DELETE /sessions", "POST /logout"]);
  expect(client.state.status).toBe("guest");
});

it("shows in every tab what happened in one", async () => {
  const [one, two] = [browser.tab(), browser.tab()];
  await two.restore();
  await one.login(PERSON);
  await settled();
  expect(two.state).toMatchObject({ status: "authenticated", user: { name: "Ada" } });
  await two.updateUser({ name: "Countess" });
  await settled();
  expect(one.state.user?.name).toBe("Countess");
  expect(two.state.user?.name).toBe("Countess");
  await two.logout();
  await settled();
  expect(one.state).toMatchObject({ status: "guest", reason: null });
  await one.login(PERSON);
  await one.deleteUser({ password: PERSON.password });
  await settled();
  expect([one.state.status, two.state.status]).toEqual(["guest", "guest"]);
});

it("takes no answer for news that was asked for before them", async () => {
  const [one, two] = [browser.tab(), browser.tab()];
  const late = gate();
  server.instead = async ({ path }) => {
    if (path !== "/session") return undefined as never;
    server.instead = null;
    await late.passed;
    return json({ user: null });
  };
  const asked = two.restore();
  await one.login(PERSON);
  await settled();
  late.open();
  await asked;
  expect(two.state.status).toBe("authenticated");
});

it("tells tabs of another name nothing", async () => {
  const [one, other] = [browser.tab(), browser.tab({ name: "other" })];
  await other.restore();
  await one.login(PERSON);
  await settled();
  expect(other.state.status).toBe("guest");
});

it("looks after a sleep whether the session has ended, and only then", async () => {
  const client = browser.tab();
  await client.login(PERSON);
  browser.hide(true);
  browser.hide(false);
  browser.online();
  await settled();
  expect(server.asked("GET /session")).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(7_200_000);
  server.end("session_expired");
  browser.online();
  await settled();
  expect(client.state).toMatchObject({ status: "guest", reason: "session_expired" });
});

it("begins with what the page knows, and asks nothing", async () => {
  const first = browser.tab();
  await first.login(PERSON);
  const { length } = server.seen;
  const client = browser.tab({ initial: first.state });
  await settled();
  expect(client.state).toBe(first.state);
  expect(server.seen).toHaveLength(length);
});

it("has a method for every endpoint", async () => {
  const client = browser.tab();
  await client.register({ name: "Ada", ...PERSON });
  expect(await client.sessions()).toEqual([{ id: "session1", current: true }]);
  expect(await client.tokens.list()).toEqual([]);
  expect((await client.tokens.create({ name: "CI", abilities: [] })).token).toBe("adt_new");
  await client.tokens.revoke(7);
  await client.endSession("a/b");
  await client.endOtherSessions();
  await client.changePassword({ currentPassword: "a", password: "b" });
  expect(server.seen.slice(2).map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual([
    "GET /sessions ",
    "GET /tokens ",
    'POST /tokens {"name":"CI","abilities":[]}',
    "DELETE /tokens/7 ",
    "DELETE /sessions/a%2Fb ",
    "DELETE /sessions ",
    'PUT /user/password {"currentPassword":"a","password":"b"}',
  ]);
  for (const { headers, init, body } of server.seen) {
    expect(headers.get("content-type")).toBe(body ? "application/json" : null);
    expect(init.redirect).toBe("error");
  }
});

it("goes on when a listener of the app throws, and ends a subscription", async () => {
  const complaint = vi.spyOn(console, "error").mockReturnValue();
  const client = browser.tab();
  const heard: string[] = [];
  client.subscribe(() => {
    throw new Error("the app's mistake");
  });
  const stop = client.subscribe((state) => heard.push(state.status));
  await client.login(PERSON);
  stop();
  await client.logout();
  expect(heard).toEqual(["authenticated"]);
  expect(complaint).toHaveBeenCalledTimes(2);
  complaint.mockRestore();
});

it("hears nothing more once it is closed", async () => {
  const [one, two] = [browser.tab(), browser.tab()];
  await two.login(PERSON);
  await settled();
  one.close();
  expect(browser.openChannels).toBe(1);
  await two.logout();
  await vi.advanceTimersByTimeAsync(8_000_000);
  browser.online();
  await settled();
  expect(one.state.status).toBe("authenticated");
  await one.logout();
  expect(one.state.status).toBe("guest");
});
