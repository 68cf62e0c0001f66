// Token mode: how a sign-in begins and ends, and what is kept of it.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { localStorageStorage, memoryStorage, NetworkError } from "../src/index.js";
import type { Client, TokenSet } from "../src/index.js";
import { Browser, gate, json, offline, PERSON, Server, settled } from "./world.js";

let server: Server;
let browser: Browser;

const HOUR = 3_600_000;
const signedIn = async (): Promise<Client> => {
  const client = browser.tab({ mode: "token" });
  await client.login(PERSON);
  return client;
};

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

describe("signing in and out", () => {
  it("ends the session by its refresh token, though the access token is over", async () => {
    const client = await signedIn();
    server.sessions[0]!.endsAt = 0;
    await client.logout();
    expect(server.asked("POST /logout")[0]).toMatchObject({ body: '{"refreshToken":"adr_1"}' });
    expect(client.state).toMatchObject({ status: "guest", reason: null });
    expect(server.sessions[0]!.over).toBe("session_revoked");
    expect(await client.token()).toBeNull();
  });

  it("keeps the tokens when the sign-out did not reach the server", async () => {
    const client = await signedIn();
    server.instead = offline;
    await expect(client.logout()).rejects.toBeInstanceOf(NetworkError);
    server.instead = null;
    expect(client.state.status).toBe("authenticated");
    expect(await client.token()).toBe("adt_1");
  });

  it("lets no refresh that is under way bring back who has signed out", async () => {
    const client = await signedIn();
    const late = gate();
    server.instead = async ({ path }) => {
      if (path === "/refresh") await late.passed;
      return undefined as never;
    };
    const refreshed = client.refresh();
    const left = client.logout();
    late.open();
    await Promise.all([refreshed, left]);
    expect(client.state.status).toBe("guest");
    expect(await client.token()).toBeNull();
    expect(server.sessions[0]!.over).toBe("session_revoked");
  });

  it("lets no refresh that is under way take the place of a new sign-in", async () => {
    const client = await signedIn();
    const late = gate();
    server.instead = async ({ path }) => {
      if (path === "/refresh") await late.passed;
      return undefined as never;
    };
    const refreshed = client.refresh();
    const entered = client.login(PERSON);
    await settled();
    late.open();
    await Promise.all([refreshed, entered]);
    expect(client.state.session?.id).toBe("session2");
    expect(await client.token()).toBe(server.sessions[1]!.token);
  });

  it("forgets the tokens of a deleted account", async () => {
    const client = await signedIn();
    await client.deleteUser({ password: PERSON.password });
    expect(client.state.status).toBe("guest");
    expect(await client.token()).toBeNull();
    expect(server.asked("POST /logout")).toHaveLength(0);
  });

  it("rejects a sign-in that brings no tokens", async () => {
    server.instead = () => json({ user: { id: 1 }, guard: "token", sessionId: "s", newDevice: true });
    const client = browser.tab({ mode: "token" });
    await expect(client.login(PERSON)).rejects.toThrow("no tokens came");
    expect(client.state.status).toBe("loading");
  });
});

it("comes back after a reload with what was stored, renewed if need be", async () => {
  const options = { mode: "token", storage: localStorageStorage() } as const;
  const before = browser.tab(options);
  await before.login(PERSON);
  before.close();
  const after = browser.tab(options);
  expect(await after.restore()).toMatchObject({ status: "authenticated", user: { name: "Ada" } });
  after.close();
  await vi.advanceTimersByTimeAsync(2 * HOUR);
  const later = browser.tab(options);
  expect(await later.restore()).toMatchObject({ status: "authenticated" });
  expect(server.asked("POST /refresh")).toHaveLength(1);
  later.close();
  server.end("session_revoked");
  const last = browser.tab(options);
  expect(await last.restore()).toMatchObject({ status: "guest", reason: "session_revoked" });
  expect(browser.stored.get("adyton")).toBe("null");
});

it("keeps time with what the page was rendered with", async () => {
  const storage = memoryStorage();
  const first = browser.tab({ mode: "token", storage });
  await first.login(PERSON);
  first.close();
  const client = browser.tab({ mode: "token", storage, initial: first.state });
  const { length } = server.seen;
  await vi.advanceTimersByTimeAsync(HOUR - 29_000);
  expect(server.seen).toHaveLength(length + 1);
  expect(client.state.status).toBe("authenticated");
});

it("takes damaged tokens for none", async () => {
  for (const damaged of [1, "x", {}, { token: "a" }, new Date()]) {
    const client = browser.tab({ mode: "token", storage: { get: () => damaged, set: () => undefined } });
    expect(await client.restore()).toMatchObject({ status: "guest" });
    expect((await client.fetch("/api/orders")).status).toBe(401);
  }
});

it("waits for a slow storage, and stays what it was when that fails", async () => {
  let kept: TokenSet | null = null;
  let broken = false;
  const storage = {
    async get() {
      await Promise.resolve();
      if (broken) throw new Error("no disk");
      return kept;
    },
    async set(tokens: TokenSet | null) {
      await Promise.resolve();
      kept = tokens;
    },
  };
  const client = browser.tab({ mode: "token", storage });
  await client.login(PERSON);
  await client.refresh();
  expect(kept).toMatchObject({ token: "adt_2", deviceSecret: "add_1" });
  broken = true;
  await expect(client.restore()).rejects.toThrow("no disk");
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(client.state.status).toBe("authenticated");
});

