// What the build of the server has to know: where the engine is, and which routes of the app it concerns.

import type { Nitro } from "nitropack/types";
import { cp, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isEndpoint } from "./runtime/server/endpoints";
import { tellsCaches } from "./runtime/server/kept";
import { publicOptions, type Options } from "./options";

const ENGINE = "@adyton/node";

/**
 * Keeps the engine out of the bundle: it is a binary. One that is installed comes along by itself; for one that is
 * linked, as in a workspace, Nitro would try to bundle it, so it is told not to, and what it needs is copied.
 */
export function shipEngine(nitro: Nitro): void {
  const entry = createRequire(import.meta.url).resolve(ENGINE);
  if (entry.includes("/node_modules/") || entry.includes("\\node_modules\\")) return;
  const id = nitro.options.dev ? entry : ENGINE;
  nitro.hooks.hook("rollup:before", (_, { plugins }) => {
    const plugin = {
      name: "adyton:engine",
      resolveId: (asked: string) => (asked === ENGINE ? { id, external: true } : null),
    };
    if (Array.isArray(plugins)) plugins.unshift(plugin);
  });
  nitro.hooks.hook("compiled", async () => {
    if (!nitro.options.dev)
      await copyPackage(
        dirname(dirname(entry)),
        join(nitro.options.output.serverDir, "node_modules", ENGINE),
      );
  });
}

async function copyPackage(from: string, to: string): Promise<void> {
  const names = (await readdir(from)).filter(
    (name) => name === "package.json" || name === "dist" || name.endsWith(".node"),
  );
  await Promise.all(names.map((name) => cp(join(from, name), join(to, name), { recursive: true })));
}

/**
 * Refuses pages for everybody whose head is sent before they are rendered: who gets a user into one later cannot call it
 * back.
 */
export function refuseStreams(rules: Record<string, { headers?: object; streaming?: boolean }>, isOn: boolean): void {
  if (!isOn) return;
  const elsewhere = rules["/**"]?.streaming ?? true;
  const [path] =
    Object.entries(rules).find(([, { headers, streaming = elsewhere }]) => streaming && tellsCaches(headers)) ?? [];
  if (path === undefined) return;
  throw new Error(
    `@adyton/nuxt: experimental.ssrStreaming: routeRules["${path}"] lets caches keep a page that is sent before it is ` +
      "known whose it is; add `streaming: false` to that rule, or `private` to its Cache-Control",
  );
}

/** Says what somebody would else find out by a 401 or a handler that is never called. */
export function tellOfRoutes(nitro: Nitro, options: Options, say: (text: string) => void): void {
  // Which files the app has under `server/` is known only when it is built.
  nitro.hooks.hook("rollup:before", () => {
    for (const text of notes(nitro, options)) say(text);
  });
}

function notes(nitro: Nitro, options: Options): string[] {
  const server = {
    ...publicOptions(options),
    noAuthRoutes: [],
    importPlaintextTokens: false,
    sanctum: options.compat?.sanctum === true,
  };
  const shadowed = nitro.scannedHandlers.filter(
    ({ route, method }) => route && isEndpoint((method ?? "post").toUpperCase(), route, server),
  );
  const routes = nitro.options.handlers
    .map(({ route }) => route ?? "")
    .filter((route) => route.startsWith("/api/_"));
  const closed = routes.filter(
    (route) => !options.noAuthRoutes?.some((own) => own.includes(route.split(/\/\*|\/:/)[0] ?? route)),
  );
  return [
    ...shadowed.map(
      ({ route }) =>
        `${route ?? ""} is an endpoint of authentication: the app's own handler under it is never called`,
    ),
    ...closed.map(
      (route) => `${route} of another module needs a credential, unless \`noAuthRoutes\` lists it`,
    ),
  ];
}
