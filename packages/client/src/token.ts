// Token mode: the pair of tokens, kept in a storage, moved on before it ends. Whatever needs the next pair, a timer, a
// request or a 401, comes to `renew`, which one tab at a time does, and looks first whether another has done it.
//
// Only the refusal of a refresh with a final code signs out. The storage is the truth: what is in this file's variables
// is only what was last seen of it.

import { ApiError, NetworkError } from "./errors.js";
import { FINAL, isLost } from "./http.js";
import type { Outgoing } from "./http.js";
import type { Core, Mode } from "./mode.js";
import { guest } from "./state.js";
import { memoryStorage, readTokens, tokensOf } from "./storage.js";
import { inBrowser } from "./tabs.js";
import type { ClientOptions, CurrentSession, SignIn, TokenSet } from "./types.js";

/** A refresh that takes longer is given up, well within the server's grace, so that no tab waits for a dead one. */
const PATIENCE = 10_000;
const SHORTEST_WAIT = 1_000;
const LONGEST_RETRY = 60_000;
/** Timers of more than 24 days fire at once; and the clock may be set meanwhile. */
const LONGEST_WAIT = 3_600_000;

export function tokenMode<U>(core: Core<U>, options: ClientOptions<U>): Mode<U> {
  const { store, tabs, call, callAnonymously, restore } = core;
  const { storage = memoryStorage(), tokenHeader = "Authorization", prefix = "Bearer" } = options;
  let seen: TokenSet | null = null;
  let device: string | undefined;
  let renewing: Promise<TokenSet | null> | null = null;
  let pause: { until: number; error: ApiError } | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let closed = false;

  async function read(): Promise<TokenSet | null> {
    const tokens = readTokens(await storage.get());
    device = tokens?.deviceSecret ?? device;
    return tokens;
  }

  /** The stored pair, moved on if it is about to end. Where that fails the old one may still be good enough. */
  async function fresh(): Promise<TokenSet | null> {
    const tokens = await read();
    if (!tokens || Date.now() < tokens.renewAt) return tokens;
    return renew(tokens.token).catch(() => tokens);
  }

  /** The pair after the one with this access token; null where there is none any more. */
  function renew(stale: string): Promise<TokenSet | null> {
    renewing ??= tabs.exclusive(() => next(stale)).finally(() => (renewing = null));
    return renewing;
  }

  async function next(stale: string): Promise<TokenSet | null> {
    const tokens = await read();
    if (tokens?.token !== stale) return adopt(tokens);
    if (pause && Date.now() < pause.until) throw pause.error;
    const outcome = await ask(tokens);
    const now = await read();
    // Without Web Locks another tab may have been faster: then its word counts.
    if (now?.refreshToken !== tokens.refreshToken) return adopt(now);
    if (outcome instanceof ApiError && FINAL.has(outcome.code)) return over(outcome.code);
    if (outcome instanceof Error) throw putOff(outcome);
    await storage.set(outcome);
    tabs.announce("renewed");
    return adopt(outcome);
  }

  async function ask(tokens: TokenSet): Promise<TokenSet | Error> {
    try {
      const { refreshToken, deviceSecret } = tokens;
      const answer = (await patiently(callAnonymously("POST", "/refresh", { refreshToken }))) as SignIn<U>;
      return tokensOf(answer, deviceSecret) ?? new TypeError("the refresh brought no tokens");
    } catch (error) {
      return error as Error;
    }
  }

  /** A server that says when to come back is not asked before. */
  function putOff(error: Error): Error {
    if (error instanceof ApiError && error.retryAfter !== undefined) {
      pause = { until: Date.now() + error.retryAfter * 1000, error };
    }
    return error;
  }

  async function over(reason: string): Promise<null> {
    await storage.set(null);
    settle(null);
    store.decide(guest(reason));
    tabs.announce("changed");
    return null;
  }

  /** Takes over what the storage has now, whoever put it there. */
  function adopt(tokens: TokenSet | null): TokenSet | null {
    const before = seen;
    settle(tokens);
    if (store.state.status !== "authenticated") return tokens;
    if (!tokens) {
      store.decide(guest(null));
    } else if (before && before.sessionId !== tokens.sessionId) {
      store.epoch++;
      restore().catch(() => undefined);
    } else if (tokens.token !== before?.token) {
      store.set({ ...store.state, expiresAt: tokens.expiresAt, abilities: tokens.abilities });
    }
    return tokens;
  }

  function settle(tokens: TokenSet | null): void {
    seen = tokens;
    failures = 0;
    pause = null;
    schedule();
  }

  function schedule(): void {
    clearTimeout(timer);
    if (closed || !seen || !inBrowser()) return;
    const retry = failures && Math.min(SHORTEST_WAIT * 2 ** failures, LONGEST_RETRY);
    const due = Math.max(seen.renewAt, pause?.until ?? 0) - Date.now();
    const wait = Math.min(Math.max(due, retry, SHORTEST_WAIT), LONGEST_WAIT);
    timer = setTimeout(() => void look(), wait);
  }

  /** Renews if it is time. A hidden page does not: it would keep a session alive that nobody uses. */
  async function look(): Promise<void> {
    try {
      const tokens = await read();
      const due = tokens && Date.now() >= tokens.renewAt;
      if (due && document.visibilityState !== "hidden") await renew(tokens.token);
      else adopt(tokens);
    } catch {
      failures++;
      schedule();
    }
  }

  const keep = (tokens: TokenSet | null) =>
    tabs.exclusive(async () => {
      await storage.set(tokens);
      settle(tokens);
    });

  return {
    guard: "token",
    async introduce({ headers }) {
      await read();
      if (device) headers.set("X-Device-Id", device);
    },
    async sign({ headers, init }: Outgoing, before) {
      if (before === null && headers.has(tokenHeader)) return null;
      const tokens = await fresh();
      if (!tokens) return null;
      headers.set(tokenHeader, prefix ? `${prefix} ${tokens.token}` : tokens.token);
      // Only `Authorization` is taken off a request that is redirected to another host (Fetch, 4.4).
      if (tokenHeader.toLowerCase() !== "authorization" && init.redirect !== "manual") init.redirect = "error";
      return tokens.token;
    },
    async recover(response, used) {
      if (used === null || !(await isLost(response))) return false;
      return (await renew(used)) !== null;
    },
    async current() {
      const tokens = await fresh();
      if (!tokens) return { user: null };
      const answer = await session();
      if (answer.user || !answer.reason || !(await renew(tokens.token))) return answer;
      return session();
    },
    async refresh() {
      const tokens = await read();
      if (tokens) await renew(tokens.token);
      else adopt(null);
    },
    token: async () => (await fresh())?.token ?? null,
    enter(signIn) {
      const tokens = tokensOf(signIn, device);
      if (!tokens) return Promise.reject(new TypeError("the sign-in brought no tokens"));
      device = tokens.deviceSecret;
      return keep(tokens);
    },
    leave: () =>
      tabs.exclusive(async () => {
        const tokens = await read();
        if (tokens) await callAnonymously("POST", "/logout", { refreshToken: tokens.refreshToken });
        await storage.set(null);
        settle(null);
      }),
    forget: () => keep(null),
    async hear(news) {
      if (news === "renewed") return adopt(await read());
      store.epoch++;
      return restore();
    },
    wake: look,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };

  function session(): Promise<CurrentSession<U>> {
    return call("GET", "/session") as Promise<CurrentSession<U>>;
  }
}

async function patiently<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NetworkError(new Error("timeout"))), PATIENCE);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
