// Where handlers find what the plugin has opened: at the Nitro app, of which there is one in a process.

import type { H3Event, H3EventContext } from "h3";
import { useNitroApp } from "nitropack/runtime";
import { withoutQuery } from "./flat";
import type { Backend, Principal, Refusal, ServerOptions } from "./types";

export interface AdytonServer {
  backend: Backend;
  options: ServerOptions;
  /** The path under which the whole app is served, without a slash at its end; mostly empty. */
  from: string;
  /** In development: the last refusals, for the DevTools page. */
  refusals: Refused[];
}

export interface Refused {
  at: string;
  method: string;
  path: string;
  refusal: Refusal;
}

declare module "h3" {
  interface H3EventContext {
    /**
     * Who sends the request, on a route that needs a credential. Elsewhere, and in cached handlers, ask
     * `getPrincipal(event)`.
     */
    adyton?: Principal;
  }
}

/** Where the caller stands in the context of a request. */
const CALLER = Symbol("caller");

/**
 * A cached handler answers everybody alike: it gets to know nobody, but by `requireUser`, which has its answer kept by
 * nobody. One accessor for all contexts is as cheap as a plain property.
 */
const ACCESSOR: PropertyDescriptor & ThisType<H3EventContext & { [CALLER]?: Principal }> = {
  configurable: true,
  get() {
    return this.cache ? undefined : this[CALLER];
  },
};

/** Has handlers find the caller at `event.context.adyton`. */
export function introduce(context: H3EventContext, caller: Principal): void {
  (context as { [CALLER]?: Principal })[CALLER] = caller;
  Object.defineProperty(context, "adyton", ACCESSOR);
}

export function useAdytonServer(): AdytonServer {
  const { adyton } = useNitroApp() as { adyton?: AdytonServer };
  if (!adyton) throw new Error("@adyton/nuxt: its server plugin has not run yet");
  return adyton;
}

/** In development the DevTools page shows the last ones. */
export function noteRefusal({ refusals }: AdytonServer, event: H3Event, refusal: Refusal): void {
  if (!import.meta.dev) return;
  refusals.unshift({ at: new Date().toISOString(), method: event.method, path: withoutQuery(event.path), refusal });
  refusals.length = Math.min(refusals.length, 20);
}

/** An answer with a user in it is for nobody else, whatever the page or the route rules say. */
export function markPersonal(event: H3Event): void {
  event.context.adytonPersonal = true;
  tellPage(event);
  // Now, for a cache that looks before the answer is sent; and then again, for what the page sets later
  // (plugin.ts).
  event.node.res.setHeader("cache-control", PERSONAL);
}

/**
 * What a page fetches from this app while it is rendered ends up in the page: with somebody's credential, so does what
 * is theirs. Such a request knows the context of the page's.
 */
export function tellPage({ node: { req } }: H3Event): void {
  const page = (req as { __unenv__?: Record<string, unknown> }).__unenv__;
  if (page) page.adytonPersonal = true;
}

/** RFC 9213, and what came before it: words for caches alone, which go before the common ones. */
export function hideFromCdns(res: H3Event["node"]["res"]): void {
  for (const name of res.getHeaderNames()) if (/(?:^|-)(?:cdn-cache|surrogate)-control$/i.test(name)) res.removeHeader(name);
}

export const PERSONAL = "private, no-store";
