// A token must never go to a foreign host, however the address is written and wherever a redirect leads.

import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createClient, memoryStorage } from "../src/index.js";
import type { Client, ClientOptions, TokenSet } from "../src/index.js";
import { Browser, PERSON, Server } from "./world.js";

const TOKENS: TokenSet = {
  token: "adt_secret",
  refreshToken: "adr_secret",
  expiresAt: "2100-01-01T00:00:00Z",
  refreshExpiresAt: "2100-01-01T00:00:00Z",
  abilities: [],
  sessionId: "s",
  renewAt: Infinity,
};

afterEach(() => void vi.unstubAllGlobals());

/** What a client of a page on https://app.test sends where: the address and the headers as text. */
async function sent(target: RequestInfo | URL, options: ClientOptions = {}): Promise<string> {
  let seen = "";
  const fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input instanceof Request ? input : new URL(input.toString(), "https://app.test"), init);
    seen = `${request.url} ${[...request.headers].join(" ")} ${init?.credentials ?? ""}`;
    return Promise.resolve(new Response());
  };
  const storage = memoryStorage();
  await storage.set({ ...TOKENS, renewAt: 9e15 });
  const client = createClient({ mode: "token", storage, fetch, ...options });
  await client.fetch(target, { method: "POST" });
  client.close();
  return seen;
}

const FOREIGN: (RequestInfo | URL)[] = [
  "https://evil.test/",
  "//evil.test/api",
  "/\\evil.test/api",
  "\\\\evil.test/api",
  " https://evil.test/",
  "ht\ntps://evil.test/",
  "http://app.test/api",
  "https://app.test:8443/api",
  "https://app.test.evil.test/",
  "https://app.test@evil.test/",
  "blob:https://app.test/1-2-3",
  "data:text/plain,https://app.test/",
  new URL("https://evil.test/"),
  new Request("https://evil.test/"),
];

const OWN: (RequestInfo | URL)[] = [
  "/api",
  "api",
  "",
  "https:path",
  "https://APP.test:443/api",
  "//app.test/api",
  new URL("https://app.test/"),
  new Request("https://app.test/"),
];

describe.each(["token", "cookie"] as const)("in a page, %s mode", (mode) => {
  it.each(FOREIGN)("gives nothing to %s", async (target) => {
    const browser = new Browser(new Server());
    browser.cookie = "XSRF-TOKEN=secret";
    const seen = await sent(target, { mode }).catch(() => "refused");
    expect(seen).not.toMatch(/secret|include/);
  });

  it.each(OWN)("signs %s", async (target) => {
    const browser = new Browser(new Server());
    browser.cookie = "XSRF-TOKEN=secret";
    expect(await sent(target, { mode })).toContain("secret");
  });

  it("signs requests to the host of baseUrl, and to no other of its site", async () => {
    const browser = new Browser(new Server());
    browser.cookie = "XSRF-TOKEN=secret";
    const options = { mode, baseUrl: "https://auth.app.test/api/auth" };
    expect(await sent("https://auth.app.test/api", options)).toContain("secret");
    expect(await sent("/api", options)).toContain("secret");
    expect(await sent("https://other.app.test/api", options)).not.toContain("secret");
    expect(await sent("http://auth.app.test/api", options)).not.toContain("secret");
  });
});

it("judges an address by the page's base, as fetch does", async () => {
  new Browser(new Server());
  Object.assign(document, { baseURI: "https://app.test/under/" });
  expect(await sent("api")).toMatch(/^https:\/\/app.test\/under\/api .*secret/);
  Object.assign(document, { baseURI: "https://cdn.test/assets/" });
  expect(await sent("api")).not.toContain("secret");
  expect(await sent("https://app.test/api")).toContain("secret");
});

it("sends passwords where the page comes from, whatever base somebody has put into it", async () => {
  const server = new Server();
  const browser = new Browser(server);
  Object.assign(document, { baseURI: "https://evil.test/" });
  await browser.tab().login(PERSON);
  expect(server.seen.map(({ url }) => new URL(url).origin)).toEqual(["https://app.test", "https://app.test"]);
});

it.each(FOREIGN.filter((target) => !(target instanceof Request ? target.url : target.toString()).includes("app.test")))(
  "on a server gives nothing to %s",
  async (target) => {
    expect(await sent(target).catch((error: unknown) => String(error))).not.toContain("secret");
  },
);

it.each(["https://app.test/api", "http://x.invalid/api"])("on a server gives nothing to %s", async (target) => {
  const seen = await sent(target);
  if (!target.includes("invalid")) expect(seen).not.toContain("secret");
  expect(seen).not.toMatch(/x\.invalid.*secret/);
});

it.each(["file:///etc/passwd", "javascript:alert(1)", "ws://app.test"])("refuses %s for a baseUrl", (baseUrl) => {
  expect(() => createClient({ baseUrl })).toThrow("baseUrl leads to no Adyton server");
});

describe("redirects, over real connections", () => {
  const servers: HttpServer[] = [];
  const listen = (answer: (url: string) => string | null) =>
    new Promise<{ origin: string; seen: IncomingHttpHeaders[] }>((resolve) => {
      const seen: IncomingHttpHeaders[] = [];
      const server = createServer((request, response) => {
        seen.push(request.headers);
        const location = answer(request.url ?? "");
        response.writeHead(location ? 307 : 200, location ? { location } : {}).end();
      });
      servers.push(server);
      server.listen(0, "127.0.0.1", () => {
        resolve({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen });
      });
    });

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function world(options: ClientOptions): Promise<{ client: Client; foreign: IncomingHttpHeaders[]; api: string }> {
    const foreign = await listen(() => null);
    const api = await listen((url) => (url === "/away" ? `${foreign.origin}/` : url === "/near" ? "/end" : null));
    const storage = memoryStorage();
    await storage.set({ ...TOKENS, renewAt: 9e15 });
    const client = createClient({ mode: "token", baseUrl: api.origin, storage, ...options });
    return { client, foreign: foreign.seen, api: api.origin };
  }

  it("takes the token off one to another host", async () => {
    const { client, foreign, api } = await world({});
    expect((await client.fetch(`${api}/away`)).status).toBe(200);
    expect(foreign).toHaveLength(1);
    expect(JSON.stringify(foreign)).not.toContain("secret");
    expect((await client.fetch(`${api}/near`)).status).toBe(200);
  });

  it("does not follow one with a header that fetch would leave on", async () => {
    const { client, foreign, api } = await world({ tokenHeader: "X-Token", prefix: "" });
    await expect(client.fetch(`${api}/away`)).rejects.toThrow();
    await expect(client.fetch(`${api}/away`, { redirect: "follow" })).rejects.toThrow();
    expect((await client.fetch(`${api}/away`, { redirect: "manual" })).status).toBe(307);
    expect(foreign).toHaveLength(0);
  });
});
