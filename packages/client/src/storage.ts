// Where a client of tokens keeps them. Whoever can run a script in the page can use the tokens in any of these; what
// differs is for how long, and whether a script can carry them away.

import { attempt, parsed } from "./attempt.js";
import { inBrowser } from "./tabs.js";
import type { SignIn, TokenSet, TokenStorage } from "./types.js";

/** Refresh this long before the end, but a short life not sooner than after four fifths of it. */
const AHEAD = 30_000;

/** Forgets everything at a reload. Each tab has its own session. The safest of the three. */
export function memoryStorage(): TokenStorage {
  let kept: TokenSet | null = null;
  return { get: () => kept, set: (tokens) => void (kept = tokens) };
}

/**
 * Keeps the tokens in `localStorage`, for all tabs and beyond the end of the browser.
 *
 * **Warning:** every script of the origin can read them, so one cross-site scripting hole gives an attacker a refresh
 * token that works from anywhere until its session ends. Pages of the server's own site should use cookie mode, whose
 * cookie no script can read. Where that cannot be, serve a strict Content-Security-Policy.
 */
export function localStorageStorage(key = "adyton"): TokenStorage {
  // On a server all users would share it, and a browser may refuse it or be out of room: then memory has to do.
  const fallback = memoryStorage();
  return {
    get: () => (inBrowser() ? attempt(() => parsed(localStorage.getItem(key))) : null) ?? fallback.get(),
    set(tokens) {
      const write = (text: string) => inBrowser() && attempt(() => (localStorage.setItem(key, text), true));
      const kept = write(JSON.stringify(tokens));
      // What was there before must not come back.
      if (!kept) write("null");
      void fallback.set(kept ? null : tokens);
    },
  };
}

export interface CookieStorageOptions {
  name?: string;
  path?: string;
  /** By default everywhere but on a page that is served over plain http. */
  secure?: boolean;
  sameSite?: "strict" | "lax";
  /** How a server reads the cookie of the request that it answers; in a browser, `document.cookie`. */
  get?: (name: string) => string | null | undefined;
  /** How a server sets it; `value` is null where it is to be deleted. */
  set?: (name: string, value: string | null, attributes: CookieAttributes) => void;
}

export interface CookieAttributes {
  path: string;
  secure: boolean;
  sameSite: "strict" | "lax";
  expires: Date;
}

/**
 * Keeps the tokens in a cookie that scripts can read, so that a server that renders the page knows them too. The
 * warning of `localStorageStorage` holds here as well. A cookie has room for 4 kB, abilities included.
 */
export function cookieStorage(options: CookieStorageOptions = {}): TokenStorage {
  const { name = "adyton_tokens", path = "/", sameSite = "lax", get = readCookie, set = writeCookie } = options;
  const secure = options.secure ?? !(inBrowser() && location.protocol === "http:");
  return {
    get: () => parsed(get(name)),
    set(tokens) {
      const expires = new Date(tokens?.refreshExpiresAt ?? 0);
      set(name, tokens && JSON.stringify(tokens), { path, secure, sameSite, expires });
    },
  };
}

/** The decoded value of a cookie of this page. */
export function readCookie(name: string): string | null {
  const pair = inBrowser() && document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  if (!pair) return null;
  const value = pair.slice(name.length + 1);
  return attempt(() => decodeURIComponent(value)) ?? value;
}

function writeCookie(name: string, value: string | null, attributes: CookieAttributes): void {
  if (!inBrowser()) return;
  const { path, secure, sameSite, expires } = attributes;
  const flags = `; path=${path}; samesite=${sameSite}; expires=${expires.toUTCString()}${secure ? "; secure" : ""}`;
  document.cookie = `${name}=${encodeURIComponent(value ?? "")}${flags}`;
}

/** What to keep of a sign-in: all but the user. */
export function tokensOf(signIn: SignIn<unknown>, device: string | undefined): TokenSet {
  const life = Number(signIn.expiresIn) * 1000;
  const renewAt = Date.now() + life - Math.min(AHEAD, life / 5);
  const tokens = readTokens({ deviceSecret: device, ...signIn, user: undefined, renewAt });
  if (!tokens) throw new TypeError("no tokens came");
  return tokens;
}

/** A whole set of tokens, or null. Stored text may be damaged, old, or another program's. */
export function readTokens(stored: unknown): TokenSet | null {
  const found = (stored ?? {}) as TokenSet;
  const { token, refreshToken, expiresAt, refreshExpiresAt, sessionId, deviceSecret = "-", abilities, renewAt } = found;
  const texts: unknown[] = [token, refreshToken, expiresAt, refreshExpiresAt, sessionId, deviceSecret];
  // Nothing but what may stand in a header.
  const whole = texts.every((text) => typeof text === "string" && /^[!-~]+$/.test(text));
  return whole && Array.isArray(abilities) && Number.isFinite(renewAt) ? found : null;
}
