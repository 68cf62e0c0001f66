// The first thing that sees a request, before route rules (which may answer or pass on by themselves) and
// middleware: it answers the endpoints, and lets nobody without a credential to the routes under `/api/`.

import { defineEventHandler, type EventHandler, getRequestHeader, type H3Event } from "h3";
import { getRouteRules } from "nitropack/runtime";
import { accessRules } from "./access";
import { isEndpoint } from "./endpoints";
import { withoutQuery } from "./flat";
import { body, head, send } from "./raw";
import { answerTo, isRefusal, refusalIn, unauthenticated, unavailable } from "./refusal";
import { introduce, tellPage } from "./state";
import { type Principal, type Refusal, type Backend, type MaybePromise, type ServerOptions } from "./types";

/** Told of every refusal; in development the DevTools page shows them. */
export type Witness = (event: H3Event, refusal: Refusal) => void;

export function createLayer(
  backend: Backend,
  options: ServerOptions,
  from: string,
  witness: Witness,
): EventHandler {
  const needsCredential = accessRules(options.noAuthRoutes);

  async function answer(event: H3Event) {
    const raw = head(event, from);
    const hasBody = event.method !== "GET" && event.method !== "HEAD";
    const answer = await backend.handle(hasBody ? { ...raw, body: await body(event) } : raw);
    const refusal = import.meta.dev ? refusalIn(answer) : null;
    if (refusal) witness(event, refusal);
    send(event, answer);
  }

  function admit(event: H3Event, raw: ReturnType<typeof head>): MaybePromise<void> {
    try {
      const found = backend.authenticate(raw);
      if (!(found instanceof Promise)) enter(event, found);
      else
        return found
          .then((principal) => enter(event, principal))
          .catch((error: unknown) => refuse(event, error));
    } catch (error) {
      refuse(event, error);
    }
  }

  function enter(event: H3Event, principal: Principal | null): void {
    if (!principal) throw unauthenticated();
    introduce(event.context, principal);
    tellPage(event);
  }

  function refuse(event: H3Event, error: unknown): void {
    const refusal = isRefusal(error)
      ? error
      : unavailable("the credential cannot be checked; try again", error);
    witness(event, refusal);
    // Where scripts of other origins may read answers, they may read this one too.
    for (const [name, value] of Object.entries(getRouteRules(event).headers ?? {}))
      event.node.res.setHeader(name, value);
    // A browser asks for permission without a credential; it gets it from the rules, never from a handler.
    if (isPreflight(event) && event.node.res.hasHeader("access-control-allow-origin")) send(event, PERMITTED);
    else send(event, answerTo(refusal));
  }

  return defineEventHandler((event) => {
    const routed = pathOf(event.path, from);
    if (routed === null) return;
    const raw = head(event, from);
    const sent = withoutQuery(raw.url);
    if (isEndpoint(event.method, sent, options)) return answer(event);
    if (!needsCredential(event.method, raw.url, routed)) return;
    return admit(event, raw);
  });
}

const PERMITTED = { status: 204, headers: [], body: null };

/** The path within the app, without its query; null for one outside of it. */
function pathOf(path: string, from: string): string | null {
  const bare = withoutQuery(path);
  if (!from) return bare;
  return bare.startsWith(`${from}/`) ? bare.slice(from.length) : null;
}

function isPreflight(event: H3Event): boolean {
  return event.method === "OPTIONS" && getRequestHeader(event, "access-control-request-method") !== undefined;
}
