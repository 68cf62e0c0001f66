// Server mode against a server that says what the test wants: what is passed on, and what its answers mean.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openBackend } from "../src/runtime/server/backend/remote";
import { isEndpoint } from "../src/runtime/server/endpoints";
import type { Backend, RawRequest, Refusal } from "../src/runtime/server/types";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const OPTIONS = {
  basePath: "/api/auth",
  noAuthRoutes: [],
  tokenHeader: "X-Token",
  sanctum: false,
  importPlaintextTokens: false,
};
/** As the engine says it. */
const WORDS = "cookies need `server.public_url` on any host but localhost";
const MISSING = {
  type: "about:blank",
  title: "Forbidden",
  status: 403,
  detail: WORDS,
  code: "csrf_failed",
  message: WORDS,
  reason: "public_url_missing",
};
const USER = { id: 1, name: "Ada", email: "ada@example.com", created_at: null, updated_at: null };
const SESSION = { user: USER, guard: "session", abilities: ["a"], expiresAt: null, session: null };

let server: Server;
let backend: Backend;
let url: string;
let asked: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] = [];
let answers: Record<string, Answer> = {};

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      asked.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      const answer = answers[request.url!.split("?")[0]!.replace("/api/auth", "")];
      if (answer) answer(request, response);
      else response.writeHead(404).end();
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  backend = openBackend({ baseUrl: `${url}/` }, OPTIONS);
});
afterAll(() => void server.close());
beforeEach(() => {
  asked = [];
  answers = {};
});

function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return (_, response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function problem(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return json(
    status,
    { status, code, detail: "words", title: "" },
    { "content-type": "application/problem+json", ...headers },
  );
}

function request(method: string, headers: string[] = [], more: Partial<RawRequest> = {}): RawRequest {
  const host = ["Host", "localhost:3000"];
  return { method, url: "/api/orders", headers: [...host, ...headers], clientAddress: "198.51.100.7", ...more };
}

function refusal(of: unknown): Promise<Refusal> {
  return Promise.resolve(of).then(
    () => {
      throw new Error("it was not refused");
    },
    (error: unknown) => error as Refusal,
  );
}

describe("a request to the endpoints", () => {
  it("is passed on with what they read, and nothing else", async () => {
    answers["/login"] = json(200, {});
    const headers = [
      "Cookie",
      "a=1",
      "Cookie",
      "b=2",
      "Authorization",
      "Bearer x",
      "X-Token",
      "y",
      "X-Device-Id",
      "d",
      "X-XSRF-TOKEN",
      "t",
      "Origin",
      "https://app.example",
      "Sec-Fetch-Site",
      "same-origin",
      "User-Agent",
      "ua",
      "Accept-Language",
      "de",
      "Content-Type",
      "application/json",
      "X-Other",
      "no",
      "Forwarded",
      "for=1.2.3.4",
      "X-Forwarded-Method",
      "GET",
      "X-Forwarded-Uri",
      "/public",
      "X-Forwarded-Host",
      "evil",
      "X-Real-IP",
      "1.2.3.4",
      "X-Auth-User-Id",
      "1",
      "X-Forwarded-For",
      "203.0.113.1",
      "X-Forwarded-For",
      "203.0.113.2",
      "X-Forwarded-Proto",
      "https",
      "Connection",
      "close",
    ];
    await backend.handle({ ...request("POST", headers), url: "/api/auth/login?x=1", body: "{}" });
    const [{ method, url: path, headers: got, body }] = asked as [(typeof asked)[number]];
    expect([method, path, body]).toEqual(["POST", "/api/auth/login?x=1", "{}"]);
    expect(got).toMatchObject({
      cookie: "a=1; b=2",
      authorization: "Bearer x",
      "x-token": "y",
      "x-device-id": "d",
      "x-xsrf-token": "t",
      origin: "https://app.example",
      "sec-fetch-site": "same-origin",
      "user-agent": "ua",
      "accept-language": "de",
      "x-forwarded-for": "203.0.113.1, 203.0.113.2, 198.51.100.7",
      "x-forwarded-proto": "https",
    });
    for (const name of [
      "x-other",
      "forwarded",
      "x-forwarded-method",
      "x-forwarded-uri",
      "x-forwarded-host",
      "x-real-ip",
      "x-auth-user-id",
    ]) {
      expect(got).not.toHaveProperty(name);
    }
  });

  it("comes back with every cookie, and without what belongs to a connection", async () => {
    answers["/login"] = (_, response) =>
      response
        .writeHead(200, { "set-cookie": ["a=1; Path=/", "b=2"], "keep-alive": "timeout=5", "x-y": "z" })
        .end("{}");
    const { status, headers, body } = await backend.handle({
      ...request("POST"),
      url: "/api/auth/login",
      body: "{}",
    });
    expect(status).toBe(200);
    expect(headers.filter((_, at) => headers[at - 1] === "set-cookie")).toEqual(["a=1; Path=/", "b=2"]);
    expect(headers).toContain("x-y");
    expect(headers.join()).not.toMatch(/keep-alive|transfer-encoding|connection/);
    expect(new TextDecoder().decode(body!)).toBe("{}");
  });

  it("is answered 503 where nobody listens, never 401", async () => {
    const nobody = openBackend({ baseUrl: "http://127.0.0.1:9" }, OPTIONS);
    const { status, code, headers } = await refusal(
      nobody.handle({ ...request("GET"), url: "/api/auth/session" }),
    );
    expect([status, code, headers]).toEqual([503, "store_unavailable", ["retry-after", "1"]]);
  });
});

describe("who sends a request", () => {
  it("is found with one question where the method changes nothing", async () => {
    answers["/session"] = json(200, SESSION);
    const principal = await backend.authenticate(request("GET", ["Cookie", "adyton_session=x"]));
    expect(principal).toMatchObject({ user: USER, guard: "session", tokenId: null });
    expect([principal!.can("a"), principal!.can("b")]).toEqual([true, false]);
    expect(asked.map(({ url: path }) => path)).toEqual(["/api/auth/session"]);
  });

  it("is judged with its method where it changes something", async () => {
    answers["/verify"] = json(200, "", { "x-auth-user-id": "1" });
    answers["/session"] = json(200, SESSION);
    await backend.authenticate(request("DELETE", ["X-Forwarded-Method", "GET"]));
    expect(asked[0]).toMatchObject({
      method: "DELETE",
      url: "/api/auth/verify",
      headers: { "x-forwarded-method": "DELETE" },
    });
    expect(asked[1]).toMatchObject({ method: "GET", url: "/api/auth/session" });
  });

  it("is refused in the words of the server", async () => {
    answers["/verify"] = problem(403, "csrf_failed");
    expect(await refusal(backend.authenticate(request("POST")))).toMatchObject({
      status: 403,
      code: "csrf_failed",
    });
    answers["/session"] = json(200, { user: null, reason: "token_expired" });
    answers["/verify"] = problem(401, "token_expired", { "www-authenticate": "Bearer" });
    expect(await refusal(backend.authenticate(request("GET")))).toMatchObject({
      status: 401,
      code: "token_expired",
      headers: ["www-authenticate", "Bearer"],
    });
  });

  it("is a guest where the server says so", async () => {
    answers["/session"] = json(200, { user: null });
    expect(await backend.authenticate(request("GET"))).toBeNull();
  });

  it.each<[string, Answer]>([
    ["a failing server", problem(503, "store_unavailable", { "retry-after": "9" })],
    [
      "a proxy's error page",
      (_, response) => response.writeHead(502, { "content-type": "text/html" }).end("<h1>"),
    ],
    [
      "somebody else's 401",
      (_, response) => response.writeHead(401, { "www-authenticate": "Basic" }).end("no"),
    ],
    ["a redirect", (_, response) => response.writeHead(302, { location: "/login" }).end()],
    [
      "a page where JSON should be",
      (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>"),
    ],
    [
      "an answer that breaks off",
      (_, response) => {
        response.writeHead(200, { "content-length": "99" });
        response.write("{");
        response.destroy();
      },
    ],
  ])("is not decided by %s", async (_, answer) => {
    answers["/session"] = answer;
    answers["/verify"] = answer;
    for (const method of ["GET", "POST"]) {
      expect(await refusal(backend.authenticate(request(method)))).toMatchObject({
        status: 503,
        code: "store_unavailable",
      });
    }
  });
});

describe("an app on a host that nobody has named", () => {
  const COOKIE = ["Cookie", "adyton_session=x", "Sec-Fetch-Site", "same-origin"];
  const page = (host: string[], more: string[] = []) => ({ headers: [...host.flatMap((name) => ["Host", name]), ...COOKIE, ...more] });
  let front: Backend;

  function publicUrl(url: string): void {
    answers["/openapi.json"] = json(200, { openapi: "3.1.0", servers: [{ url }] });
  }

  beforeEach(() => {
    front = openBackend({ baseUrl: url }, OPTIONS);
    publicUrl("/api/auth");
    const setting: Answer = (_, response) => response.writeHead(200, { "set-cookie": "XSRF-TOKEN=y" }).end("{}");
    Object.assign(answers, { "/login": setting, "/csrf-cookie": setting, "/user": setting, "/session": json(200, { user: null }) });
  });

  it.each([
    ["app.example"], ["192.168.0.5:8000"], ["localhost.evil.example"], ["notlocalhost"], ["[::2]"], ["0.0.0.0"], ["localhost:x"],
    ["evil@localhost"], ["127.0.0.1.example"], ["localhost", "localhost"], [],
  ])("gets and presents no cookie: %s %s", async (...host) => {
    for (const [method, path, body] of [["POST", "/login", "{}"], ["POST", "/register", '{"guard":"session"}'], ["GET", "/csrf-cookie", null]] as const) {
      const { status, body: bytes } = await front.handle({ ...request(method, [], page(host)), url: `/api/auth${path}`, body });
      expect(status).toBe(403);
      expect(JSON.parse(new TextDecoder().decode(bytes!))).toEqual(MISSING);
    }
    expect(await front.authenticate(request("GET", [], page(host)))).toBeNull();
    const { status, headers } = await front.handle({ ...request("GET", [], page(host)), url: "/api/auth/user" });
    expect([status, headers.includes("set-cookie")]).toEqual([200, false]);
    expect(asked.filter(({ headers: { cookie } }) => cookie !== undefined)).toEqual([]);
    expect(asked.map(({ url: path }) => path).sort()).toEqual(["openapi.json", "session", "user"].map((name) => `/api/auth/${name}`));
  });

  it("signs in with tokens", async () => {
    for (const [headers, body] of [[["Origin", "https://app.example"], '{"guard":"token"}'], [[], "{}"]] as [string[], string][]) {
      const login = { ...request("POST", [], { headers: ["Host", "app.example", ...headers] }), url: "/api/auth/login", body };
      expect((await front.handle(login)).status).toBe(200);
    }
    answers["/session"] = json(200, { ...SESSION, guard: "token" });
    const bearer = ["Host", "app.example", "Authorization", "Bearer x"];
    expect(await front.authenticate(request("GET", [], { headers: bearer }))).toMatchObject({ guard: "token" });
  });

  it("believes its own `sessionGuard` in what a sign-in means, and lets no cookie through for it", async () => {
    front = openBackend({ baseUrl: url, sessionGuard: "token" }, OPTIONS);
    for (const body of ["{}", '{"guard":"session"}']) {
      const { status, headers } = await front.handle({ ...request("POST", [], page(["app.example"])), url: "/api/auth/login", body });
      expect([status, headers.includes("set-cookie")]).toEqual([200, false]);
    }
    expect(asked.filter(({ headers: { cookie } }) => cookie !== undefined)).toEqual([]);
  });

  it.each(["localhost", "LOCALHOST:3000", "app.localhost:3000", "127.1.2.3", "[::1]:3000"])("need not have named %s", async (host) => {
    const { headers } = await front.handle({ ...request("POST", [], page([host])), url: "/api/auth/login", body: "{}" });
    expect(headers).toContain("set-cookie");
    expect(asked.map(({ headers: { cookie } }) => cookie)).toEqual(["adyton_session=x"]);
  });

  it("is as good as any where the server knows its public URL", async () => {
    publicUrl("https://app.example/api/auth");
    const { headers } = await front.handle({ ...request("POST", [], page(["app.example"])), url: "/api/auth/login", body: "{}" });
    expect(headers).toContain("set-cookie");
  });

  it("is no guest's where the server does not say", async () => {
    for (const answer of [problem(503, "store_unavailable"), json(200, {}), json(200, { servers: "x" })]) {
      answers["/openapi.json"] = answer;
      expect(await refusal(front.authenticate(request("GET", [], page(["app.example"]))))).toMatchObject({ status: 503 });
    }
  });
});

describe("a path that URLs resolve to another", () => {
  const server = { ...OPTIONS, sanctum: true };

  it.each([
    "/api/auth/sessions/..\\..\\..\\..\\metrics", "/api/auth/sessions/..", "/api/auth/tokens/%2e%2e", "/api/auth/tokens/.%2E",
    "/api/auth/tokens/\\..", "/api/auth/sessions/x#y", "/api/auth/sessions/.", "/api/auth/tokens/%2fx",
  ])("is no endpoint: %s", (path) => {
    expect(isEndpoint("GET", path, server)).toBe(false);
  });
});
