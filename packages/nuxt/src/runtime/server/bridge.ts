// What the pages that are rendered here get of this server: they are bundled apart, and meet it in the event
// only.

import { getRequestHeader, getRequestProtocol, type H3Event } from "h3";
import { getRouteRules } from "nitropack/runtime";
import type { PublicOptions } from "../types";
import { isEndpoint } from "./endpoints";
import { refuseBlindCache, tellsCaches } from "./kept";
import { withoutQuery } from "./flat";
import { address } from "./peer";
import { type AdytonServer, markPersonal } from "./state";
import type { MaybePromise, RawRequest, RawResponse } from "./types";

export interface Bridge {
  /** Whether others will get this page from a cache: then nobody's name may stand in it. */
  isPublic: boolean;
  /** Whether the visitor presents anything. Who does not is a guest, without a question. */
  hasCredential: boolean;
  /** Whether cookies that are set here are for https alone. */
  isSecure: boolean;
  /** Asks one of the endpoints; null for what is none. */
  ask(request: Omit<RawRequest, "clientAddress">): MaybePromise<RawResponse> | null;
  markPersonal(event: H3Event): void;
  /** Whether the answer, as it stands, tells caches that they may give it to others. */
  isForCaches(event: H3Event): boolean;
}

export type BridgeFor = (event: H3Event) => Bridge;

export function createBridge(
  event: H3Event,
  { backend, options, from }: AdytonServer,
  open: PublicOptions,
): Bridge {
  return {
    isPublic: isPublic(event),
    hasCredential: hasCredential(getRequestHeader(event, "cookie"), open.clientMode),
    isSecure: getRequestProtocol(event) === "https",
    ask(request) {
      refuseBlindCache(event);
      const url = from && request.url.startsWith(`${from}/`) ? request.url.slice(from.length) : request.url;
      if (!isEndpoint(request.method, withoutQuery(url), options)) return null;
      const clientAddress = address(event);
      return backend.handle({ ...request, url, ...(clientAddress !== undefined && { clientAddress }) });
    },
    markPersonal,
    isForCaches: ({ node: { res } }) => tellsCaches(res.getHeaders()),
  };
}

function isPublic(event: H3Event): boolean {
  const { cache, swr, isr, prerender, headers } = getRouteRules(event) as Record<string, unknown> & {
    headers?: object;
  };
  const isKept = Boolean(cache) || Boolean(swr) || Boolean(isr) || Boolean(prerender);
  // The cache of Nitro hides cookies from what it keeps, and says that it is there.
  return isKept || Boolean(event.context.cache) || import.meta.prerender === true || tellsCaches(headers);
}

export function hasCredential(cookies: string | undefined, clientMode: PublicOptions["clientMode"]): boolean {
  const name =
    clientMode === "token"
      ? /(?:^|;\s*)adyton_tokens=[^;\s]/
      : /(?:^|;\s*)(?:__Host-|__Secure-)?adyton_session=[^;\s]/;
  return cookies !== undefined && name.test(cookies);
}
