// What somebody tried who wanted in: ways round the guard, and pages of one visitor in the hands of another.
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
