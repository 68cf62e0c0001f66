// Token mode: the pair of tokens, kept in a storage, moved on before it ends. Whatever needs the next pair, a timer, a
// request or a 401, comes to `renew`, which one tab at a time does, and looks first whether another has done it.
//
// Only the refusal of a refresh with a final code signs out. The storage is the truth: what is in this file's variables
// is only what was last seen of it.

import { ApiError } from "./errors.js";
import { isFinal, isLost } from "./http.js";
import type { Core, Mode } from "./mode.js";
import { guest } from "./state.js";
import { memoryStorage, readTokens, tokensOf } from "./storage.js";
import { isHidden } from "./tabs.js";
import type { ClientOptions, CurrentSession, SignIn, TokenSet } from "./types.js";

/** A refresh that takes longer is given up, well within the server's grace, so that no tab waits for a dead one. */
const PATIENCE = 10_000;
const SHORTEST_WAIT = 1_000;
const RETRY = 5_000;
/** Timers of more than 24 days fire at once; and the clock may be set meanwhile. */
const LONGEST_WAIT = 3_600_000;

export function tokenMode<U>({ store, tabs, call, askAnew, decide }: Core<U>, options: ClientOptions<U>): Mode<U> {
  const { storage = memoryStorage(), tokenHeader = "Authorization", prefix = "Bearer" } = options;
  let seen: TokenSet | null = null;
  let device: string | undefined;
  let renewing: Promise<TokenSet | null> | null = null;
  let pausedUntil = 0;
  let refusal: Error;
  let timer: ReturnType<typeof setTimeout> | undefined;
  tabs.signal.addEventListener("abort", () => clearTimeout(timer));

  async function read(): Promise<TokenSet | null> {
    const tokens = readTokens(await storage.get());
    device = tokens?.deviceSecret ?? device;
    return tokens;
  }

  async function write(tokens: TokenSet | null): Promise<void> {
    await storage.set(tokens);
    pausedUntil = 0;
    settle(tokens);
  }

  /** The stored pair, moved on if it is about to end. Where that fails the old one may still be good enough. */
  async function fresh(): Promise<TokenSet | null> {
    const tokens = await read();
    return tokens && isDue(tokens) ? renew(tokens.token).catch(() => tokens) : tokens;
  }

  /** The pair after the one with this access token; null where there is none any more. */
  function renew(stale?: string): Promise<TokenSet | null> {
    renewing ??= tabs.alone(() => next(stale)).finally(() => (renewing = null));
    return renewing;
  }

  async function next(stale: string | undefined): Promise<TokenSet | null> {
    const tokens = await read();
    if (!tokens || tokens.token !== stale) return adopt(tokens);
    if (Date.now() < pausedUntil) throw refusal;
    const outcome = await ask(tokens);
    const now = await read();
    // Without Web Locks another tab may have been faster: then its word counts.
    if (now?.refreshToken !== tokens.refreshToken) return adopt(now);
    if (outcome instanceof Error) return refused(outcome);
    await write(outcome);
    tabs.tell("renewed");
    return adopt(outcome);
  }

  async function ask({ refreshToken }: TokenSet): Promise<TokenSet | Error> {
    try {
      const patience = AbortSignal.timeout(PATIENCE);
      const answer = (await call("POST", "/refresh", { refreshToken }, "nobody", patience)) as SignIn<U>;
      return tokensOf(answer, device);
    } catch (error) {
      return error as Error;
    }
  }

  /** Signs out if that is final. A server that says when to come back is not asked before. */
  async function refused(error: Error): Promise<null> {
    if (!(error instanceof ApiError) || !isFinal(error.code)) {
      const { retryAfter = 0 } = error as Partial<ApiError>;
      pausedUntil = Date.now() + retryAfter * 1000;
      throw (refusal = error);
    }
    await write(null);
    decide(guest(error.code));
    return null;
  }

  /** Takes over what the storage has now, whoever put it there. */
  function adopt(tokens: TokenSet | null): TokenSet | null {
    settle(tokens);
    const { user, session, expiresAt } = store.state;
    if (!user) return tokens;
    if (!tokens) {
      decide(guest());
    } else if (session?.id !== tokens.sessionId) {
      askAnew();
    } else if (expiresAt !== tokens.expiresAt) {
      store.set({ ...store.state, expiresAt: tokens.expiresAt, abilities: tokens.abilities });
    }
    return tokens;
  }

  function settle(tokens: TokenSet | null): void {
    seen = tokens;
    schedule(SHORTEST_WAIT);
  }

  function schedule(least: number): void {
    clearTimeout(timer);
    if (!seen || isHidden() || tabs.signal.aborted) return;
    const due = seen.renewAt - Date.now();
    timer = setTimeout(() => void look(), Math.min(Math.max(due, least), LONGEST_WAIT));
  }

  /** Renews if it is time. A hidden page does not: it would keep a session alive that nobody uses. */
  async function look(): Promise<void> {
    try {
      const tokens = await read();
      await (tokens && isDue(tokens) && !isHidden() ? renew(tokens.token) : adopt(tokens));
    } catch {
      schedule(RETRY);
    }
  }

  async function current(): Promise<CurrentSession<U>> {
    const tokens = await fresh();
    settle(tokens);
    if (!tokens) return { user: null };
    const session = () => call("GET", "/session") as Promise<CurrentSession<U>>;
    const answer = await session();
    return answer.reason && (await renew(tokens.token)) ? session() : answer;
  }

  return {
    async sign({ headers, init }, kind, before) {
      const tokens = await (kind === "nobody" ? read() : fresh());
      if (kind !== "app" && device) headers.set("X-Device-Id", device);
      // The app may bring a token of its own.
      if (!tokens || kind === "nobody" || (!before && headers.has(tokenHeader))) return null;
      headers.set(tokenHeader, `${prefix} ${tokens.token}`);
      // Only `Authorization` is taken off a request that is redirected to another host (Fetch, 4.4).
      if (!/^authorization$/i.test(tokenHeader) && init.redirect !== "manual") init.redirect = "error";
      return tokens.token;
    },
    recover: async (response, used) => used !== null && (await isLost(response)) && (await renew(used)) !== null,
    current,
    refresh: async () => renew((await read())?.token),
    token: async () => (await fresh())?.token ?? null,
    async keep(signIn) {
      const tokens = signIn && tokensOf(signIn, device);
      await tabs.alone(() => write(tokens));
    },
    leave: () =>
      tabs.alone(async () => {
        const tokens = await read();
        if (tokens) await call("POST", "/logout", { refreshToken: tokens.refreshToken }, "nobody");
        await write(null);
      }),
    wake: look,
  };
}

function isDue({ renewAt }: TokenSet): boolean {
  return Date.now() >= renewAt;
}
