import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { ADA, cookieUser, engine, header, HERE, json, OWN, post, thrown, tokenUser, withToken } from "./world.js";

const URL_ = "http://localhost/api/auth";

test("a user signs up, is known, refreshes and signs out by web requests", async () => {
  const auth = engine();
  const send = (method: string, path: string, body?: unknown, token?: string) =>
    auth.handler(
      new Request(URL_ + path, {
        method,
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
      { clientAddress: HERE },
    );

  expect((await send("POST", "/register", ADA)).status).toBe(201);
  const login = await send("POST", "/login", { email: ADA.email, password: ADA.password });
  expect(login.status).toBe(200);
  expect(login.headers.get("cache-control")).toBe("no-store");
  const signIn = (await login.json()) as { token: string; refreshToken: string };
  const user = await send("GET", "/user", undefined, signIn.token);
  expect(await user.json()).toMatchObject({ name: "Ada", email: ADA.email });
  const refreshed = await send("POST", "/refresh", { refreshToken: signIn.refreshToken });
  const { token } = (await refreshed.json()) as { token: string };
  expect(token).not.toBe(signIn.token);
  const logout = await send("POST", "/logout", {}, token);
  expect([logout.status, logout.body]).toEqual([204, null]);
  expect((await send("GET", "/user", undefined, token)).status).toBe(401);
});

test("each cookie of a sign-in arrives as a line of its own", async () => {
  const auth = engine();
  const request = new Request(`${URL_}/register`, {
    method: "POST",
    headers: { "content-type": "application/json", "sec-fetch-site": "same-origin" },
    body: JSON.stringify(ADA),
  });
  const cookies = (await auth.handler(request, { clientAddress: HERE })).headers.getSetCookie();
  expect(cookies.map((cookie) => cookie.split("=")[0]).sort()).toEqual([
    "XSRF-TOKEN",
    "adyton_device",
    "adyton_session",
  ]);
});

test("what need not wait is answered without a promise, and what hashes a password with one", async () => {
  const auth = engine();
  const { token } = await tokenUser(auth);
  const user = auth.handle(withToken(token, { url: "/api/auth/user" }));
  expect(user).not.toBeInstanceOf(Promise);
  expect(await user).toMatchObject({ status: 200 });
  const login = auth.handle({
    method: "POST",
    url: "/api/auth/login",
    headers: { host: "localhost", "content-type": "application/json" },
    body: JSON.stringify(ADA),
    clientAddress: HERE,
  });
  expect(login).toBeInstanceOf(Promise);
  expect((await login).status).toBe(200);
});

test.each([
  ["a method that is none", { method: "GE T" }],
  ["a header's name that is none", { headers: ["host", "localhost", "a b", "c"] }],
  ["a header with a line feed", { headers: ["host", "localhost", "x", "a\nauthorization\nBearer b"] }],
  ["a header with a letter that is no byte", { headers: ["host", "localhost", "x", "\u{1f600}"] }],
  ["a header of nothing", { headers: ["host", "localhost", "", "x"] }],
  ["a URL that is none", { url: "http://[" }],
  ["more headers than anybody holds", { headers: Array.from({ length: 80_000 }, (_, at) => `x${at}`) }],
  ["no host at all", { headers: [] }],
  ["two hosts", { headers: ["host", "localhost", "host", "localhost"] }],
])("%s is a 400 like any other, and no exception", async (_, wrong) => {
  const request = {
    method: "GET",
    url: "/api/auth/user",
    headers: ["host", "localhost"],
    clientAddress: HERE,
  };
  const response = await engine().handle({ ...request, ...wrong });
  expect(response.status).toBe(400);
  expect(header(response, "content-type")).toEqual(["application/problem+json"]);
  expect(json(response)).toMatchObject({ code: "malformed_request", status: 400 });
});

test("the host of a URL counts where no header names one", async () => {
  const auth = engine();
  const response = await auth.handle({
    url: "http://localhost/api/auth/csrf-cookie",
    headers: {},
    clientAddress: HERE,
  });
  expect(response.status).toBe(204);
});

test("a body that is announced as too long is not read, and one that turns out so no further", async () => {
  const auth = engine();
  let sent = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 16 * 1024;
        controller.enqueue(new Uint8Array(16 * 1024));
      },
    });
  const request = (headers: Record<string, string>) =>
    new Request(`${URL_}/login`, {
      method: "POST",
      body: endless(),
      duplex: "half",
      headers: { "content-type": "application/json", ...headers },
    } as RequestInit);
  const turnsOut = await auth.handler(request({}), { clientAddress: HERE });
  expect(turnsOut.status).toBe(413);
  expect(await turnsOut.json()).toMatchObject({ code: "payload_too_large" });
  expect(sent).toBeLessThan(256 * 1024);

  sent = 0;
  const announced = await auth.handler(request({ "content-length": "10000000" }), { clientAddress: HERE });
  expect(announced.status).toBe(413);
  expect(sent).toBeLessThan(64 * 1024);
});

test("a body that does not arrive in time is a 408, and the end of the connection", async () => {
  const auth = engine({ server: { bodyTimeout: 1 } });
  const half = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from('{"email":')),
  });
  const headers = { "content-type": "application/json" };
  const slow = new Request(`${URL_}/login`, { method: "POST", body: half, duplex: "half", headers } as RequestInit);
  const started = performance.now();
  const response = await auth.handler(slow, { clientAddress: HERE });
  expect(performance.now() - started).toBeGreaterThan(900);
  expect([response.status, response.headers.get("connection")]).toEqual([408, "close"]);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ code: "request_timeout", status: 408 });
});

test("the longest wait that there is does not end at once", async () => {
  const auth = engine({ server: { bodyTimeout: "36500d" } });
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      await sleep(50);
      controller.enqueue(Buffer.from(JSON.stringify(ADA)));
      controller.close();
    },
  });
  const headers = { "content-type": "application/json" };
  const request = new Request(`${URL_}/register`, { method: "POST", body, duplex: "half", headers } as RequestInit);
  expect((await auth.handler(request, { clientAddress: HERE })).status).toBe(201);
});

test("the largest body that counts is read whole", async () => {
  const auth = engine();
  const filler = "x".repeat(64 * 1024 - JSON.stringify({ ...ADA, filler: "" }).length);
  const body = JSON.stringify({ ...ADA, filler });
  expect(body.length).toBe(64 * 1024);
  const request = new Request(`${URL_}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  expect((await auth.handler(request, { clientAddress: HERE })).status).toBe(201);
});

test("limits count per address of a client", async () => {
  const auth = engine({ rateLimiting: { maxAttempts: 2 } });
  await tokenUser(auth);
  const guess = async (from: string) =>
    (await post(auth, "/login", { ...ADA, password: "wrong horse 1" }, from)).status;
  expect([await guess("192.0.2.1"), await guess("192.0.2.1"), await guess("192.0.2.1")]).toEqual([
    401, 401, 429,
  ]);
  expect(await guess("192.0.2.2")).toBe(401);
});

test("the address is that which a trusted proxy tells", async () => {
  const auth = engine({ rateLimiting: { maxAttempts: 1 }, server: { trustedProxies: ["10.0.0.1"] } });
  await tokenUser(auth);
  const guess = async (client: string) => {
    const headers = { host: "localhost", "content-type": "application/json", "x-forwarded-for": client };
    const body = JSON.stringify({ ...ADA, password: "wrong horse 1" });
    return (
      await auth.handle({ method: "POST", url: "/api/auth/login", headers, body, clientAddress: "10.0.0.1" })
    ).status;
  };
  expect([await guess("192.0.2.1"), await guess("192.0.2.1"), await guess("192.0.2.2")]).toEqual([
    401, 429, 401,
  ]);
});

test("an address that is none is a mistake of the app", async () => {
  const auth = engine();
  const request = { method: "GET", url: "/api/auth/user", headers: OWN };
  expect(() => auth.handle({ ...request, clientAddress: "192.0.2.1, 10.0.0.1" })).toThrow("clientAddress");
  expect((await auth.handle({ ...request, clientAddress: "fe80::1%eth0" })).status).toBe(401);
});

test("a form of another site is refused, and the own page is not", async () => {
  const auth = engine();
  const { cookie } = await cookieUser(auth);
  const rename = async (headers: object) =>
    (
      await auth.handle({
        method: "PATCH",
        url: "/api/auth/user",
        clientAddress: HERE,
        body: JSON.stringify({ name: "Eve" }),
        headers: { host: "localhost", "content-type": "application/json", cookie, ...headers },
      })
    ).status;
  expect(await rename({ "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await rename({ "sec-fetch-site": "same-origin" })).toBe(200);
});

test("more headers than can be held are refused, and the process lives", async () => {
  const auth = engine();
  const headers = ["host", "localhost", ...Array.from({ length: 100_000 }, () => "x")];
  expect((await auth.handle({ method: "GET", url: "/api/auth/session", headers })).status).toBe(400);
  expect(await thrown(() => auth.authenticate({ headers: ["host", "localhost", ...Array.from({ length: 100_000 }, () => "cookie")] })))
    .toMatchObject({ status: 400 });
  expect((await auth.handle({ method: "GET", url: "/api/auth/session", headers: OWN })).status).toBe(200);
});
