import { afterEach, describe, expect, it, vi } from "vitest";
import { cookieStorage, localStorageStorage, memoryStorage } from "../src/index.js";
import type { TokenSet } from "../src/index.js";
import { readTokens, tokensOf } from "../src/storage.js";
import { Browser, Server } from "./world.js";

const TOKENS: TokenSet = {
  token: "adt_1",
  refreshToken: "adr_1",
  expiresAt: "2030-01-01T00:00:00Z",
  refreshExpiresAt: "2030-02-01T00:00:00Z",
  abilities: ["orders:read"],
  sessionId: "s1",
  renewAt: 5,
  deviceSecret: "add_1",
};

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("what was stored", () => {
  it("is taken whole", () => {
    expect(readTokens(TOKENS)).toEqual(TOKENS);
    const { deviceSecret: _, ...without } = TOKENS;
    expect(readTokens(without)).toEqual(without);
  });

  it.each(Object.keys(TOKENS))("is nothing where %s is damaged", (key) => {
    for (const damaged of [null, 1, "", "a b", "a\r\nX-Evil: 1", "ä", {}, ["a"], NaN]) {
      if (key === "abilities" ? Array.isArray(damaged) : key === "renewAt" && damaged === 1) continue;
      expect(readTokens({ ...TOKENS, [key]: damaged }), JSON.stringify(damaged)).toBeNull();
    }
  });

  it.each([null, undefined, false, 0, "text", [], {}, () => TOKENS])("is nothing where it is %s", (stored) => {
    expect(readTokens(stored)).toBeNull();
  });
});

describe("what is kept of a sign-in", () => {
  const signIn = { ...TOKENS, user: { email: "ada@example.com" }, guard: "token" as const, newDevice: true };

  it("is not the user, and says when to renew", () => {
    vi.useFakeTimers({ now: 1_000_000 });
    const kept = tokensOf({ ...signIn, expiresIn: 3600 }, undefined);
    expect(JSON.stringify(kept)).not.toContain("ada@");
    expect(kept.renewAt).toBe(1_000_000 + 3_570_000);
    expect(tokensOf({ ...signIn, expiresIn: 5 }, undefined).renewAt).toBe(1_000_000 + 4_000);
  });

  it("is the secret of the device, the new one before the known", () => {
    const { deviceSecret: _, ...known } = { ...signIn, expiresIn: 5 };
    expect(tokensOf(known, "add_known").deviceSecret).toBe("add_known");
    expect(tokensOf({ ...signIn, expiresIn: 5 }, "add_known").deviceSecret).toBe("add_1");
  });

  it("is nothing where the server does not say how long it lasts", () => {
    expect(() => tokensOf(signIn, undefined)).toThrow("no tokens came");
  });
});

it("forgets memory with its client", () => {
  const storage = memoryStorage();
  void storage.set(TOKENS);
  expect(storage.get()).toBe(TOKENS);
  expect(memoryStorage().get()).toBeNull();
});

describe("localStorage", () => {
  it("is shared by all tabs, under its key", () => {
    const browser = new Browser(new Server());
    void localStorageStorage().set(TOKENS);
    expect(localStorageStorage().get()).toEqual(TOKENS);
    expect(localStorageStorage("other").get()).toBeNull();
    void localStorageStorage().set(null);
    expect(localStorageStorage().get()).toBeNull();
    expect(browser.stored.get("adyton")).not.toContain("adt_");
  });

  it.each(["", "{", "null", '"x"', "[1]", "undefined"])("holds nothing where it says %s", (text) => {
    const browser = new Browser(new Server());
    browser.stored.set("adyton", text);
    expect(readTokens(localStorageStorage().get())).toBeNull();
  });

  it("is memory where the browser forbids it", () => {
    new Browser(new Server());
    const refuse = () => {
      throw new DOMException("no", "SecurityError");
    };
    vi.stubGlobal("localStorage", { getItem: refuse, setItem: refuse });
    const storage = localStorageStorage();
    expect(storage.get()).toBeNull();
    void storage.set(TOKENS);
    expect(storage.get()).toBe(TOKENS);
    void storage.set(null);
    expect(storage.get()).toBeNull();
  });

  it("brings back no old tokens when there was no room for the new ones", () => {
    const browser = new Browser(new Server());
    const storage = localStorageStorage();
    void storage.set(TOKENS);
    const setItem = localStorage.setItem.bind(localStorage);
    localStorage.setItem = (key, value) => {
      if (value.length > 10) throw new DOMException("full", "QuotaExceededError");
      setItem(key, value);
    };
    void storage.set({ ...TOKENS, token: "adt_2" });
    expect(storage.get()).toMatchObject({ token: "adt_2" });
    expect(browser.stored.get("adyton")).toBe("null");
  });
});

describe("a cookie", () => {
  it("is read and written by the page, for as long as the refresh token lives", () => {
    const browser = new Browser(new Server());
    void cookieStorage().set(TOKENS);
    expect(browser.cookie).toMatch(/^adyton_tokens=%7B[^;]*; path=\/; samesite=lax; expires=Fri, 01 Feb 2030 00:00:00 GMT; secure$/);
    browser.cookie = `a=1; ${browser.cookie.split(";")[0]!}; adyton_tokens_2=no`;
    expect(cookieStorage().get()).toEqual(TOKENS);
    expect(cookieStorage({ name: "other" }).get()).toBeNull();
    void cookieStorage().set(null);
    expect(browser.cookie).toMatch(/^adyton_tokens=; .*expires=Thu, 01 Jan 1970 00:00:00 GMT/);
  });

  it("is Secure everywhere but on a page over plain http", () => {
    const browser = new Browser(new Server(), { origin: "http://localhost:3000" });
    void cookieStorage().set(TOKENS);
    expect(browser.cookie).not.toContain("secure");
    void cookieStorage({ secure: true, path: "/app", sameSite: "strict" }).set(TOKENS);
    expect(browser.cookie).toMatch(/path=\/app; samesite=strict; .*; secure$/);
  });

  it.each(["", "%", "%7B", "null", "1"])("holds nothing where it says %s", (value) => {
    const browser = new Browser(new Server());
    browser.cookie = `adyton_tokens=${value}`;
    expect(readTokens(cookieStorage().get())).toBeNull();
    expect(readTokens(cookieStorage({ get: () => value }).get())).toBeNull();
  });
});
