// Several tabs of one browser: one storage, one lock, one channel.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { localStorageStorage } from "../src/index.js";
import type { Client } from "../src/index.js";
import { Browser, gate, PERSON, problem, Server, settled } from "./world.js";

let server: Server;
let browser: Browser;

const HOUR = 3_600_000;
const tabs = (count: number): Client[] =>
  Array.from({ length: count }, () => browser.tab({ mode: "token", storage: localStorageStorage() }));
const stored = () => JSON.parse(browser.stored.get("adyton") ?? "null") as { token: string; refreshToken: string };

afterEach(() => {
  browser.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe.each([true, false])("with Web Locks: %s", (locks) => {
  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    browser = new Browser(server, { locks });
  });

  it("shares sign-in and sign-out", async () => {
    const [one, two, three] = tabs(3) as [Client, Client, Client];
    await Promise.all([one, two, three].map((tab) => tab.restore()));
    await one.login(PERSON);
    await settled();
    expect(two.state).toMatchObject({ status: "authenticated", user: { name: "Ada" } });
    expect(await three.token()).toBe("adt_1");
    await two.logout();
    await settled();
    expect([one, two, three].map((tab) => tab.state.status)).toEqual(["guest", "guest", "guest"]);
    expect(await three.token()).toBeNull();
  });

  it("keeps one pair among three tabs with a five-second token for a minute, and lets no 401 happen", async () => {
    server.life = 5;
    const all = tabs(3);
    await all[0]!.login(PERSON);
    await settled();
    for (let step = 0; step < 240; step++) {
      const answers = await Promise.all(all.map((tab) => tab.fetch("/api/orders")));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(server.sessions).toHaveLength(1);
    expect(server.sessions[0]).toMatchObject({ over: null, refreshToken: stored().refreshToken });
    expect(new Set(all.map((tab) => tab.state.expiresAt)).size).toBe(1);
    if (locks) expect(server.asked("POST /refresh").length).toBeLessThan(18);
  });

  it("signs all out when the session is over", async () => {
    const all = tabs(3);
    await all[0]!.login(PERSON);
    await settled();
    server.end("session_revoked");
    await all[2]!.fetch("/api/orders");
    await settled();
    expect(all.map((tab) => tab.state.status)).toEqual(["guest", "guest", "guest"]);
    expect(all[2]!.state.reason).toBe("session_revoked");
    expect(server.asked("POST /refresh")).toHaveLength(1);
  });

  it("shows whoever has signed in last", async () => {
    const [one, two] = tabs(2) as [Client, Client];
    await one.login(PERSON);
    await settled();
    server.name = "Grace";
    await two.login(PERSON);
    await settled();
    expect(one.state).toMatchObject({ user: { name: "Grace" }, session: { id: "session2" } });
  });
});

describe("with Web Locks", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    browser = new Browser(server);
  });

  it("asks once for all tabs, at any time and after any wait", async () => {
    const all = tabs(3);
    await all[0]!.login(PERSON);
    await settled();
    const late = gate();
    server.instead = async ({ path }) => {
      if (path === "/refresh") await late.passed;
      return undefined as never;
    };
    const refreshed = all.map((tab) => tab.refresh());
    await vi.advanceTimersByTimeAsync(9_000);
    late.open();
    await Promise.all(refreshed);
    expect(server.asked("POST /refresh")).toHaveLength(1);
    expect(await Promise.all(all.map((tab) => tab.token()))).toEqual(["adt_2", "adt_2", "adt_2"]);
    await vi.advanceTimersByTimeAsync(HOUR - 10_000);
    expect(server.asked("POST /refresh")).toHaveLength(2);
  });

  it("takes over what another tab has got, without asking anything", async () => {
    const [one, two] = tabs(2) as [Client, Client];
    await one.login(PERSON);
    await settled();
    const { length } = server.seen;
    await vi.advanceTimersByTimeAsync(1_000);
    await one.refresh();
    await settled();
    expect(server.seen).toHaveLength(length + 1);
    expect(two.state.expiresAt).toBe(one.state.expiresAt);
  });

  it("sees a sign-in of another session even where the news of it got lost", async () => {
    const [one, two] = tabs(2) as [Client, Client];
    await one.login(PERSON);
    await settled();
    const other = browser.tab({ mode: "token", storage: localStorageStorage(), name: "elsewhere" });
    server.name = "Grace";
    await other.login(PERSON);
    expect(two.state.user?.name).toBe("Ada");
    browser.hide(false);
    await settled();
    expect(two.state).toMatchObject({ user: { name: "Grace" }, session: { id: "session2" } });
  });

  it("lets every tab renew, also when the one that signed in is gone", async () => {
    const [one, two] = tabs(2) as [Client, Client];
    await one.login(PERSON);
    await settled();
    one.close();
    await vi.advanceTimersByTimeAsync(HOUR - 29_000);
    expect(server.asked("POST /refresh")).toHaveLength(1);
    expect(two.state.status).toBe("authenticated");
  });

  it("sees a sign-out even where the news of it got lost", async () => {
    const [one] = tabs(1) as [Client];
    await one.login(PERSON);
    browser.stored.set("adyton", "null");
    browser.online();
    await settled();
    expect(one.state).toMatchObject({ status: "guest", reason: null });
  });

  it("puts no secret on the channel", async () => {
    const [one] = tabs(2) as [Client];
    await one.login(PERSON);
    await one.refresh();
    await one.logout();
    await settled();
    expect(browser.messages.length).toBeGreaterThan(2);
    for (const message of browser.messages) expect(['"changed"', '"renewed"']).toContain(message);
  });

  it("comes to rest: news make no news", async () => {
    const all = tabs(4);
    await all[0]!.login(PERSON);
    await all[1]!.refresh();
    await all[2]!.logout();
    await settled();
    const { length } = browser.messages;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(browser.messages).toHaveLength(length);
    expect(length).toBeLessThan(8);
  });
});

describe("without Web Locks", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    browser = new Browser(server, { locks: false });
  });

  it("gets one pair from the grace, whoever asks", async () => {
    const all = tabs(3);
    await all[0]!.login(PERSON);
    await settled();
    await Promise.all(all.map((tab) => tab.refresh()));
    expect(await Promise.all(all.map((tab) => tab.token()))).toEqual(["adt_2", "adt_2", "adt_2"]);
  });

  it("goes on after a refresh that failed", async () => {
    const [one] = tabs(1) as [Client];
    await one.login(PERSON);
    server.instead = () => problem(500, "internal_error");
    await expect(one.refresh()).rejects.toMatchObject({ status: 500 });
    server.instead = null;
    await one.refresh();
    await one.logout();
    expect(one.state.status).toBe("guest");
  });

  it("does without them in a page without an origin of its own, where they refuse", async () => {
    vi.stubGlobal("origin", "null");
    vi.stubGlobal("navigator", { locks: { request: () => Promise.reject(new DOMException("no", "SecurityError")) } });
    const [one] = tabs(1) as [Client];
    await one.login(PERSON);
    await one.refresh();
    expect(await one.token()).toBe("adt_2");
  });

  it("believes a faster tab rather than the refusal of its own question", async () => {
    const [one, two] = tabs(2) as [Client, Client];
    await one.login(PERSON);
    await settled();
    const late = gate();
    let first = true;
    server.instead = async ({ path }) => {
      if (path !== "/refresh" || !first) return undefined as never;
      first = false;
      await late.passed;
      return problem(401, "refresh_token_reused");
    };
    const slow = one.refresh();
    await settled();
    await two.refresh();
    late.open();
    await slow;
    expect(one.state.status).toBe("authenticated");
    expect(await one.token()).toBe("adt_2");
  });
});

