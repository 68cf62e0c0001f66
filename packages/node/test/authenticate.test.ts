import { expect, test } from "vitest";
import { AuthError, type Principal } from "@adyton/node";
import { cookieUser, engine, HERE, OWN, thrown, tokenUser, withToken } from "./world.js";

test("a known token is answered with a plain value", async () => {
  const auth = engine();
  const { token, id } = await tokenUser(auth);
  await auth.authenticate(withToken(token));
  const principal = auth.authenticate(withToken(token)) as Principal;
  expect(principal).not.toBeInstanceOf(Promise);
  expect(principal.user).toMatchObject({ id, name: "Ada", email: "ada@example.com" });
  expect(principal).toMatchObject({ guard: "token", abilities: ["*"], tokenId: null });
  expect(principal.session).toMatchObject({ current: true, ipAddress: "127.0.0.0" });
  expect(principal.can("anything")).toBe(true);
  expect(JSON.parse(JSON.stringify(principal))).toMatchObject({ guard: "token", session: { current: true } });
  expect(JSON.stringify(principal)).not.toMatch(/password|ad[trs]_/);
});

test("a personal token may do what it was made for", async () => {
  const auth = engine();
  const { id } = await tokenUser(auth);
  const created = await auth.api.createToken(id, { name: "ci", abilities: ["orders:read"], expiresIn: null });
  const principal = (await auth.authenticate(withToken(created.token)))!;
  expect(principal).toMatchObject({
    guard: "token",
    session: null,
    expiresAt: null,
    tokenId: created.accessToken.id,
  });
  expect([principal.can("orders:read"), principal.can("orders:write"), principal.can("*")]).toEqual([
    true,
    false,
    false,
  ]);
});

test("requests share a caller, which nobody can change for the next", async () => {
  const auth = engine();
  const { token } = await tokenUser(auth);
  await auth.authenticate(withToken(token));
  const principal = auth.authenticate(withToken(token)) as Principal;
  const { user, abilities, session } = principal;
  for (const shared of [principal, user, abilities, session!]) expect(Object.isFrozen(shared)).toBe(true);
  expect(() => Object.assign(user, { name: "Mallory" })).toThrow(TypeError);
  expect(() => (abilities as string[]).push("admin")).toThrow(TypeError);
  expect(auth.authenticate(withToken(token))).toMatchObject({ user: { name: "Ada" }, abilities: ["*"] });
});

test("a caller whose profile has changed is told with the next request", async () => {
  const auth = engine();
  const { token } = await tokenUser(auth);
  expect(await auth.authenticate(withToken(token))).toMatchObject({ user: { name: "Ada" } });
  const answer = await auth.handle({
    ...withToken(token, { method: "PATCH", url: "/api/auth/user" }),
    headers: { ...withToken(token).headers, "content-type": "application/json" },
    body: JSON.stringify({ name: "Ada Lovelace" }),
  });
  expect(answer.status).toBe(200);
  expect(await auth.authenticate(withToken(token))).toMatchObject({ user: { name: "Ada Lovelace" } });
});

test("callers by turns are not mistaken for each other, however many there are", async () => {
  const auth = engine();
  const { id } = await tokenUser(auth);
  const names = Array.from({ length: 40 }, (_, at) => `orders:${at}`);
  const tokens = await Promise.all(
    names.map(async (ability) => (await auth.api.createToken(id, { name: "ci", abilities: [ability] })).token),
  );
  for (let turn = 0; turn < 3; turn += 1) {
    for (const [at, token] of tokens.entries())
      expect((await auth.authenticate(withToken(token)))!.abilities).toEqual([names[at]]);
  }
});

test("a request that says nothing is a guest's", async () => {
  const auth = engine();
  for (const headers of [
    {},
    { authorization: "Basic abc" },
    { authorization: "null" },
    { cookie: "other=1" },
  ]) {
    expect(
      await auth.authenticate({ method: "POST", url: "/", headers: { host: "localhost", ...headers } }),
    ).toBeNull();
  }
});

test.each([
  ["an invented token", { authorization: `Bearer adt_${"a".repeat(49)}` }, 401, "token_invalid"],
  ["a prefix without a token", { authorization: "Bearer" }, 401, "token_invalid"],
  ["a cookie of nobody", { cookie: `adyton_session=ads_${"a".repeat(49)}` }, 401, "token_invalid"],
])("%s is refused as HTTP refuses it", async (_, headers, status, code) => {
  const auth = engine();
  const error = await thrown(() => auth.authenticate({ url: "/", headers: { ...OWN, ...headers } }));
  expect(error).toBeInstanceOf(AuthError);
  expect(error).toMatchObject({ status, code });
  const response = (error as AuthError).toResponse();
  expect([response.status, response.headers.get("content-type")]).toEqual([
    status,
    "application/problem+json",
  ]);
  expect(response.headers.get("www-authenticate")).toContain("Bearer");
  expect(await response.json()).toMatchObject({ code, status });
});

test("a token that is revoked, or whose session ended, is refused at once", async () => {
  const auth = engine();
  const { id, token } = await tokenUser(auth);
  const { token: personal, accessToken } = await auth.api.createToken(id, { name: "ci" });
  expect(await auth.authenticate(withToken(personal))).not.toBeNull();
  await auth.api.revokeToken(id, accessToken.id);
  expect(await thrown(() => auth.authenticate(withToken(personal)))).toMatchObject({ code: "token_invalid" });
  expect(await auth.authenticate(withToken(token))).not.toBeNull();
  expect(await auth.api.endAllSessions(id)).toBe(1);
  expect(await thrown(() => auth.authenticate(withToken(token)))).toMatchObject({ status: 401 });
});

test("a token that has had its time is refused", async () => {
  const auth = engine();
  const { id } = await tokenUser(auth);
  const { token } = await auth.api.createToken(id, { name: "short", expiresIn: 1 });
  expect(await auth.authenticate(withToken(token))).not.toBeNull();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(await thrown(() => auth.authenticate(withToken(token)))).toMatchObject({ code: "token_expired" });
});

test("a token header that stands twice is malformed, whichever token is good", async () => {
  const auth = engine();
  const { token } = await tokenUser(auth);
  const headers = [
    "Host",
    "localhost",
    "Authorization",
    `Bearer ${token}`,
    "authorization",
    `Bearer ${token}`,
  ];
  expect(await thrown(() => auth.authenticate({ url: "/", headers }))).toMatchObject({ status: 400 });
  // Node keeps the first alone, and so would hide the second.
  const node = {
    url: "/",
    headers: { host: "localhost", authorization: `Bearer ${token}` },
    rawHeaders: headers,
  };
  expect(await thrown(() => auth.authenticate(node))).toMatchObject({
    status: 400,
    code: "malformed_request",
  });
});

test("no header can smuggle in another", async () => {
  const auth = engine();
  const { token } = await tokenUser(auth);
  const headers = { host: "localhost", cookie: `a=b\nauthorization\nBearer ${token}` };
  expect(await thrown(() => auth.authenticate({ url: "/", headers }))).toMatchObject({ status: 400 });
  const url = `/\n${HERE}\nauthorization\nBearer ${token}`;
  expect(await thrown(() => auth.authenticate({ url, headers: { host: "localhost" } }))).toBeInstanceOf(
    Error,
  );
});

test("a cookie authenticates what reads; what changes something is checked against CSRF", async () => {
  const auth = engine();
  const { cookie, xsrf } = await cookieUser(auth);
  const ask = (method: string, headers: object) =>
    auth.authenticate({
      method,
      url: "/orders",
      headers: { host: "localhost", cookie, ...headers },
      clientAddress: HERE,
    });
  expect(await ask("GET", { "sec-fetch-site": "cross-site" })).toMatchObject({ guard: "session" });
  expect(await ask("POST", { "sec-fetch-site": "same-origin" })).toMatchObject({ guard: "session" });
  expect(await ask("POST", { "x-xsrf-token": xsrf })).toMatchObject({ guard: "session" });
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { origin: "https://evil.example" },
    { origin: "null" },
    { "x-xsrf-token": "wrong" },
    {},
  ]) {
    const error = await thrown(() => ask("POST", headers));
    expect(error).toMatchObject({ status: 403, code: "csrf_failed" });
    expect((error as AuthError).problem.reason).toBeTruthy();
  }
});

test("a cookie does not count on a host that nobody has said is ours", async () => {
  const auth = engine();
  const { cookie } = await cookieUser(auth);
  expect(await auth.authenticate({ url: "/", headers: { host: "evil.example", cookie } })).toBeNull();
  expect(await auth.authenticate({ url: "http://localhost/", headers: { cookie } })).not.toBeNull();
});

test("web requests, objects, lists and Node's own requests are read alike", async () => {
  const auth = engine();
  const { token } = await tokenUser(auth);
  const authorization = `Bearer ${token}`;
  const forms = [
    new Request("http://localhost/orders", { headers: { authorization } }),
    { url: "/orders", headers: new Headers({ host: "localhost", authorization }) },
    { url: "/orders", headers: { Host: "localhost", Authorization: authorization } },
    { url: "/orders", headers: { host: ["localhost"], authorization: [authorization], "x-none": undefined } },
    { url: "/orders", headers: ["host", "localhost", "AUTHORIZATION", authorization] },
  ];
  for (const form of forms) expect(await auth.authenticate(form, { clientAddress: HERE })).not.toBeNull();
});

test("a request of HTTP/2 names its host as it does", async () => {
  const auth = engine();
  const { cookie } = await cookieUser(auth);
  const pseudo = [":method", "GET", ":authority", "localhost", ":scheme", "http", ":path", "/orders"];
  const request = {
    method: "GET",
    url: "/api/auth/user",
    headers: {},
    rawHeaders: [...pseudo, "cookie", cookie],
  };
  expect(await auth.authenticate(request)).toMatchObject({ guard: "session" });
  expect(await auth.handle(request)).toMatchObject({ status: 200 });
});

test("a token header of another name without a prefix is found", async () => {
  const auth = engine({ tokenHeader: "X-Token", prefix: "" });
  const { token } = await tokenUser(auth);
  expect(
    await auth.authenticate({ url: "/", headers: { host: "localhost", "x-token": token } }),
  ).not.toBeNull();
  expect(
    await auth.authenticate({ url: "/", headers: { host: "localhost", authorization: `Bearer ${token}` } }),
  ).toBeNull();
});

test.each([
  ["x-forwarded-for", "192.0.2.1", "192.0.2.2"],
  ["forwarded", "for=192.0.2.1", "for=192.0.2.2"],
])("whoever invents tokens is stopped by their address, which %s tells", async (header, one, other) => {
  const auth = engine({ compat: { importedTokens: true }, server: { trustedProxies: ["10.0.0.1"] } });
  const guess = (client: string, at: number) => {
    const headers = { host: "localhost", authorization: `Bearer an-invented-token-${at}`, [header]: client };
    return thrown(() => auth.authenticate({ url: "/", headers, clientAddress: "10.0.0.1" }));
  };
  for (let at = 0; at < 60; at += 1) expect(await guess(one, at)).toMatchObject({ status: 401 });
  const stopped = (await guess(one, 60)) as AuthError;
  expect(stopped).toMatchObject({ status: 429, code: "too_many_attempts" });
  expect(stopped.headers).toContain("retry-after");
  expect(await guess(other, 61)).toMatchObject({ status: 401 });
});
