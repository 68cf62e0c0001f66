// What somebody tried who wanted in: ways round the guard, and pages of one visitor in the hands of another.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type App, startApp, Visitor } from "./support/app";

let app: App;
let guest: Visitor;
let ada: Visitor;

beforeAll(async () => {
  app = await startApp();
  guest = new Visitor(app, {});
  ada = new Visitor(app);
  await ada.register("Ada");
});
afterAll(() => app.stop());

function listen(path: string, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(app.url.replace("http", "ws") + path, { headers } as unknown as string[]);
    const end = (told: string) => {
      resolve(told);
      socket.close();
    };
    socket.onmessage = ({ data }) => { end(String(data)); };
    socket.onerror = () => { resolve("refused"); };
    // One that leads nowhere is opened, and tells nothing.
    socket.onopen = () => setTimeout(end, 200, "silence");
  });
}

describe("a WebSocket under /api", () => {
  const cookie = () => [...ada.cookies].map(([name, value]) => `${name}=${value}`).join("; ");

  it("is refused to guests", async () => {
    expect(await listen("/api/live")).toBe("refused");
    expect(await listen("/%61pi/live")).toBe("refused");
    expect(await listen("/api/live/")).toBe("refused");
    expect(await listen("/api/public/live")).toBe("open to all");
  });

  it("is opened to who is signed in", async () => {
    expect(await listen("/api/live", { cookie: cookie(), "sec-fetch-site": "same-origin", origin: app.url })).toBe("secret");
  });

  it("but not by a page of another site", async () => {
    expect(await listen("/api/live", { cookie: cookie(), "sec-fetch-site": "cross-site", origin: "https://evil.example" })).toBe("refused");
  });
});

/** Opens one with a head of one's own; tells the status, and what was said by then. */
function upgrade(target: string, host: string): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1"))).on("close", () => resolve(text));
    socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    setTimeout(() => socket.destroy(), 300);
  });
}

describe("a WebSocket by another way of writing its address", () => {
  it.each([
    ["/api/live", "a"], ["/api/live?x", "a"], ["/api\\live", "a"], ["//api/live", "a"], ["///api/live", "a"], ["http://a/api/live", "a"],
    ["/", "a/api/live?"], ["/api/public/live", "a/api/live?"], ["/api/public/live", "a/api/live#"], ["/live", "a/api"],
    ["/api/public/../live", "a"], ["/api/public/live/../../live", "a"], ["/live", "x@a/api"],
  ])("%s of %s says no more", async (target, host) => {
    expect(await upgrade(target, host)).not.toContain("secret");
  });
});

describe("one visitor's answer", () => {
  it("is not another's because a cached handler looked at the context itself", async () => {
    const bob = new Visitor(app);
    await bob.register("Bob");
    expect(await ada.json("/api/kept")).not.toEqual({ owner: "Ada" });
    expect(await bob.json("/api/kept")).not.toEqual({ owner: "Ada" });
  });

  it("is in no page that caches keep for all", async () => {
    const response = await ada.fetch("/feed");
    expect(await response.text()).toContain(">Ada<");
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(response.headers.get("cdn-cache-control")).toBeNull();
  });

  it("is in no error page that caches keep for all", async () => {
    const response = await ada.fetch("/gone", { headers: { accept: "text/html" } });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("Ada");
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(response.headers.get("cdn-cache-control")).toBeNull();
  });
});

describe("an island", () => {
  it("knows its visitor as a page does", async () => {
    expect(await (await ada.fetch("/island")).text()).toContain("authenticated:Ada");
    expect(await (await guest.fetch("/island")).text()).toContain("guest:-");
  });
});

describe("another name for the routes under /api", () => {
  it("has their guard", async () => {
    expect((await guest.fetch("/v1/orders")).status).toBe(401);
    expect(await ada.json("/v1/orders")).toEqual({ owner: "Ada", guard: "session" });
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    expect((await ada.fetch("/v1/orders", { method: "POST", headers })).status).toBe(403);
  });

  it("has their limits", async () => {
    const statuses: number[] = [];
    for (let turn = 0; turn < 7; turn += 1) {
      const json = { email: "v1@example.com", password: "wrong password" };
      statuses.push((await guest.fetch("/v1/auth/login", { json, headers: { "x-forwarded-for": `198.51.100.${turn}` } })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });
});
