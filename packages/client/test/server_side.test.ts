// Where there is no page: server rendering, scripts, tests of apps.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { cookieStorage, createClient, localStorageStorage } from "../src/index.js";
import type { ClientOptions } from "../src/index.js";
import { PERSON, Server } from "./world.js";

const HOUR = 3_600_000;
let server: Server;
let urls: string[];

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  urls = [];
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function clientOf(options: ClientOptions) {
  const jar = {};
  const fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    urls.push(input instanceof Request ? input.url : input.toString());
    return server.fetch(jar, input, init);
  };
  return createClient({ fetch, ...options });
}

it("needs no page, sets no timer, and renews before a request", async () => {
  const client = clientOf({ mode: "token" });
  await client.login(PERSON);
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(HOUR);
  expect((await client.fetch("/api/orders?a=1")).status).toBe(200);
  expect(server.asked("POST /refresh")).toHaveLength(1);
  expect(urls.at(-1)).toBe("/api/orders?a=1");
  client.close();
});

it("asks with the app's own fetch, by relative addresses, in cookie mode too", async () => {
  const client = clientOf({});
  await client.login(PERSON);
  await client.fetch("/api/orders", { method: "POST" });
  expect(urls).toEqual(["/api/auth/login", "/api/auth/session", "/api/orders"]);
  expect(client.state.status).toBe("authenticated");
});

it("does not make one user wait for another", async () => {
  const request = vi.fn();
  vi.stubGlobal("navigator", { locks: { request } });
  const client = clientOf({ mode: "token" });
  await client.login(PERSON);
  await client.refresh();
  expect(await client.token()).toBe("adt_2");
  expect(request).not.toHaveBeenCalled();
});

it("keeps nothing where two users would share it", async () => {
  const getItem = vi.fn();
  vi.stubGlobal("localStorage", { getItem, setItem: getItem });
  const [one, two] = [localStorageStorage(), localStorageStorage()];
  await clientOf({ mode: "token", storage: one }).login(PERSON);
  expect(one.get()).toMatchObject({ token: "adt_1" });
  expect(two.get()).toBeNull();
  expect(getItem).not.toHaveBeenCalled();
});

it("hands tokens from the server's rendering to the page in a cookie", async () => {
  const set = vi.fn();
  await clientOf({ mode: "token", storage: cookieStorage({ set }) }).login(PERSON);
  const [name, value, attributes] = set.mock.calls[0] as [string, string, object];
  expect([name, attributes]).toMatchObject(["adyton_tokens", { path: "/", secure: true, sameSite: "lax" }]);
  const client = clientOf({ mode: "token", storage: cookieStorage({ get: () => value, set }) });
  expect(await client.restore()).toMatchObject({ status: "authenticated", user: { name: "Ada" } });
});

it("shares one refresh among the requests of one rendering", async () => {
  const client = clientOf({ mode: "token" });
  await client.login(PERSON);
  await vi.advanceTimersByTimeAsync(HOUR);
  await Promise.all([client.fetch("/api/a"), client.fetch("/api/b"), client.restore()]);
  expect(server.asked("POST /refresh")).toHaveLength(1);
});
