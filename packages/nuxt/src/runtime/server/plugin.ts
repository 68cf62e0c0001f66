// The start and the end: opens the backend, puts the layer before everything else, and sees to it that no
// page with a user in it is kept by a cache that others read.

import { type H3Event } from "h3";
import { defineNitroPlugin, useRuntimeConfig } from "nitropack/runtime";
import { openBackend } from "#adyton-backend";
import type { PublicOptions } from "../types";
import { type BridgeFor, createBridge } from "./bridge";
import { createLayer } from "./layer";
import { type AdytonServer, hideFromCdns, noteRefusal, PERSONAL, tellPage } from "./state";
import { guardSockets } from "./sockets";
import type { Backend, ServerOptions } from "./types";
import { unavailable } from "./refusal";

export default defineNitroPlugin((nitroApp) => {
  const config = useRuntimeConfig();
  const options = serverOptions(
    config.adyton as Record<string, unknown>,
    config.public.adyton as PublicOptions,
  );
  const from = config.app.baseURL.replace(/\/$/, "");
  // A page that is built for everybody has no visitor, and a build needs no database.
  const backend = import.meta.prerender
    ? nobody()
    : openBackend(config.adyton as Record<string, unknown>, options);
  const server: AdytonServer = { backend, options, from, refusals: [] };
  Object.assign(nitroApp, { adyton: server });

  nitroApp.h3App.stack.unshift({ route: "/", handler: createLayer(backend, options, from, (event, refusal) => noteRefusal(server, event, refusal)) });
  guardSockets(nitroApp.h3App, backend, options, from);
  const bridge: BridgeFor = (event) => createBridge(event, server, config.public.adyton as PublicOptions);
  // At every request: pages are rendered at one place of Nuxt, islands at another.
  nitroApp.hooks.hook("request", ({ context }) => void (context.adytonBridge = bridge));
  nitroApp.hooks.hook("beforeResponse", (event) => {
    if (!event.context.adytonPersonal && !setsCookies(event)) return;
    keepPrivate(event);
    tellPage(event);
  });
  nitroApp.hooks.hook("close", () => backend.close());
});

/** What a page sets is for one visitor: the next tokens, or none any more. */
function setsCookies({ node: { res } }: H3Event): boolean {
  return [res.getHeader("set-cookie") ?? []].flat().some((line) => /^(?:__\w+-)?(?:adyton_|XSRF-TOKEN=)/.test(String(line)));
}

/** `private` or `no-store` of the page itself may stand; everything else would let it out. */
function keepPrivate({ node: { res } }: H3Event): void {
  const own = String(res.getHeader("cache-control") ?? "");
  const isStrict = /\b(?:private|no-store)\b/i.test(own) && !/\b(?:public|s-maxage)\b/i.test(own);
  if (!isStrict) res.setHeader("cache-control", PERSONAL);
  hideFromCdns(res);
}

function serverOptions(config: Record<string, unknown>, open: PublicOptions): ServerOptions {
  const {
    noAuthRoutes = [],
    baseUrl,
    importPlaintextTokens = false,
    compat,
  } = config as Partial<ServerOptions> & {
    compat?: { sanctum?: boolean };
  };
  const { basePath, tokenHeader } = open;
  return {
    noAuthRoutes,
    baseUrl,
    basePath,
    tokenHeader,
    importPlaintextTokens,
    sanctum: compat?.sanctum === true,
  };
}

function nobody(): Backend {
  const none = () => unavailable("nobody signs in while pages are built");
  return {
    handle: () => Promise.reject(none()),
    authenticate: () => null,
    close: () => Promise.resolve(),
  };
}
