// The options of the module: what they are, what they may not be, and which part of them goes where. What an
// option of the engine means, and whether its value can stand, the engine says.

import type { AuthOptions } from "@adyton/node";
import { withPlaces } from "./runtime/server/deployment";
import { parseRoute } from "./runtime/server/routes";
import type { PublicOptions, Redirects } from "./runtime/types";

/** The options of the engine (docs/reference/configuration.md, in camelCase), and these. */
export interface ModuleOptions extends AuthOptions {
  /**
   * Where authentication runs: in the Nuxt server itself (`embedded`, the default), or in a running `adyton
   * serve`.
   */
  mode?: "embedded" | "server";
  /** With `mode: "server"`: where that is, as seen from the Nuxt server. */
  baseUrl?: string;
  /** Where people are sent; `false` for nowhere. */
  redirects?: Partial<Redirects> | false;
  /**
   * Whether every page needs a sign-in, but for those with `auth: false` or `auth: "guest"` and the sign-in
   * page.
   */
  globalMiddleware?: boolean;
  /** Reads the plain-text tokens of nuxt-token-authentication at the start, and keeps their hashes only. */
  importPlaintextTokens?: boolean;
}

/** Options that are complete and can stand. */
export interface Options extends ModuleOptions {
  mode: "embedded" | "server";
  redirects: Redirects;
}

/** Options of the module alone, with what each must be. */
const OURS: Record<string, [meant: string, isGood: (value: unknown) => boolean]> = {
  mode: ['"embedded" or "server"', (value) => value === "embedded" || value === "server"],
  baseUrl: [
    "an URL such as http://127.0.0.1:8000",
    (value) => typeof value === "string" && /^https?:\/\/[^\s?#]+$/.test(value),
  ],
  redirects: [
    "false, or paths of this app under `login`, `home` and `logout`",
    (value) => value === false || isRedirects(value),
  ],
  globalMiddleware: ["true or false", (value) => typeof value === "boolean"],
  importPlaintextTokens: ["true or false", (value) => typeof value === "boolean"],
};

/** Options of the engine that this side needs to know too, wherever the engine runs. */
const SHARED = ["noAuthRoutes", "tokenHeader", "prefix", "sessionGuard", "server.basePath"];

/** What nuxt-token-authentication does where its options do not say. */
const LEGACY: ModuleOptions = {
  tokenHeader: "Token",
  prefix: "",
  connector: { name: "sqlite", options: { path: "./data/db.sqlite3" } },
};

const DEFAULT_REDIRECTS: Redirects = { login: "/login", home: "/", logout: "/" };

export class OptionError extends Error {
  override readonly name = "OptionError";

  constructor(
    readonly key: string,
    problem: string,
  ) {
    super(`adyton.${key}: ${problem}`);
  }
}

/** The options of an app, complete; throws an `OptionError` for the first that cannot stand. */
export function readOptions(given: ModuleOptions, legacy: ModuleOptions | undefined): Options {
  const merged: ModuleOptions = legacy ? { ...LEGACY, ...legacy, ...given } : given;
  for (const [key, [meant, isGood]] of Object.entries(OURS)) {
    const value = merged[key as keyof ModuleOptions];
    if (value !== undefined && !isGood(value)) throw new OptionError(key, `must be ${meant}`);
  }
  const mode = merged.mode ?? "embedded";
  const redirects =
    merged.redirects === false
      ? ({ login: false, home: false, logout: false } as const)
      : { ...DEFAULT_REDIRECTS, ...merged.redirects };
  return checked({ ...merged, mode, redirects });
}

/** What contradicts itself, in any mode. */
function checked(options: Options): Options {
  const { mode, baseUrl, importPlaintextTokens, compat } = options;
  if (mode === "embedded" && baseUrl !== undefined) {
    throw new OptionError("baseUrl", 'has no effect in embedded mode: set mode: "server", or leave it out');
  }
  if (mode === "server" && !baseUrl && !process.env.NUXT_ADYTON_BASE_URL) {
    throw new OptionError(
      "baseUrl",
      'mode: "server" needs to know where `adyton serve` runs: set it, or NUXT_ADYTON_BASE_URL',
    );
  }
  if (mode === "server" && importPlaintextTokens) {
    throw new OptionError(
      "importPlaintextTokens",
      "run `adyton migrate --import-plaintext-tokens` at the server instead",
    );
  }
  if (importPlaintextTokens && compat?.importedTokens === false) {
    throw new OptionError(
      "compat.importedTokens",
      "must be true for imported tokens to work: leave it out, or do not import",
    );
  }
  return options;
}

/** The options of the engine among them. */
export function engineOptions(options: ModuleOptions): AuthOptions {
  return Object.fromEntries(Object.entries(options).filter(([key]) => !(key in OURS)));
}

/** In server mode: refuses what only the server can be told, and what nobody knows. */
export function checkServerOptions(options: ModuleOptions, known: readonly string[]): void {
  for (const key of keysOf(engineOptions(options))) {
    const isKnown = known.some((one) => one === key || key.startsWith(`${one}.`));
    if (!isKnown) throw new OptionError(key, "there is no such option");
    if (SHARED.includes(key)) continue;
    throw new OptionError(
      key,
      `belongs to the server where mode is "server": set \`${snakeCase(key)}\` in its adyton.toml`,
    );
  }
}

/**
 * The engine reads its keys in two spellings; here one of them counts, because this module reads them too.
 */
export function checkKeys(options: ModuleOptions): void {
  for (const key of keysOf(engineOptions(options))) {
    const camelCase = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (camelCase !== key) throw new OptionError(key, `write \`${camelCase}\``);
  }
}

/** In both modes: what stands in `noAuthRoutes` must be routes. */
export function checkRoutes({ noAuthRoutes = [] }: ModuleOptions): void {
  for (const route of noAuthRoutes) {
    try {
      parseRoute(route);
    } catch (error) {
      throw new OptionError("noAuthRoutes", `"${route}": ${(error as Error).message}`);
    }
  }
}

/** What the server reads at run time, where variables of the environment override it. */
export function privateOptions(options: Options): Record<string, unknown> {
  const { redirects: _redirects, globalMiddleware: _everywhere, ...rest } = options;
  return withPlaces(rest);
}

/** What the browser reads. No secret may stand here. */
export function publicOptions(options: Options): PublicOptions {
  const {
    redirects,
    globalMiddleware = false,
    sessionGuard,
    tokenHeader = "Authorization",
    prefix = "Bearer",
  } = options;
  const basePath = options.server?.basePath ?? "/api/auth";
  return {
    basePath,
    clientMode: sessionGuard === "token" ? "token" : "cookie",
    tokenHeader,
    prefix,
    redirects,
    globalMiddleware,
  };
}

/** Every option that is set, with dots. */
function keysOf(table: object, before = ""): string[] {
  return Object.entries(table).flatMap(([key, value]: [string, unknown]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? keysOf(value, `${before}${key}.`)
      : `${before}${key}`,
  );
}

function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isRedirects(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).every(
    ([key, to]: [string, unknown]) =>
      key in DEFAULT_REDIRECTS && (to === false || (typeof to === "string" && to.startsWith("/"))),
  );
}
