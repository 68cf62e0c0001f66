// The same guard before WebSockets, whose requests Node hands to Nitro without asking any handler.
//
// A page of another site may open one with the visitor's cookies, and read it: no rule of CORS holds there. So a cookie
// needs the check that unsafe methods need, for which browsers send all that there is to know. Who is signed out later
// keeps what is open.

import type { App } from "h3";
import { parseURL } from "ufo";
import { accessRules } from "./access";
import { pairs } from "./flat";
import { type Connection, peerOf } from "./peer";
import { answerTo, isRefusal, unauthenticated, unavailable } from "./refusal";
import type { Backend, ServerOptions } from "./types";

/** A request as `crossws` has it: of Node's it keeps the original. */
interface Upgrade {
  url: string;
  headers: Headers;
  context?: Record<string, unknown>;
  _req?: { url?: string; rawHeaders: string[]; socket: Connection };
}

/** Puts the guard before every socket of the app; `peer.context.adyton` tells who has opened one. */
export function guardSockets({ websocket }: App, backend: Backend, options: ServerOptions, from: string): void {
  const needsCredential = accessRules(options.noAuthRoutes);
  const upgrade = websocket.hooks?.upgrade as ((request: Upgrade) => unknown) | undefined;

  async function guard(request: Upgrade): Promise<unknown> {
    // What h3 looks the handler up by, which is not always what was sent: the `Host` goes into it, and slashes go.
    const { pathname } = parseURL(request.url);
    const routed = pathname.slice(pathname.startsWith(from) ? from.length : 0).replace(/^\/*/, "/");
    const sent = withoutOrigin(request._req?.url ?? request.url);
    const url = from && sent.startsWith(from) ? sent.slice(from.length) : sent;
    // The path counts as it was sent; should h3 ever decode it, this holds too.
    if ([routed, decoded(routed)].some((path) => needsCredential("GET", url, path))) await admit(request, url);
    return upgrade?.(request);
  }

  async function admit(request: Upgrade, url: string): Promise<void> {
    const sent = request._req?.rawHeaders ?? [...request.headers].flat();
    try {
      const clientAddress = request._req && peerOf(request._req.socket);
      const raw = { method: "POST", url, headers: sent, ...(clientAddress !== undefined && { clientAddress }) };
      const principal = await backend.authenticate(raw);
      if (!principal) throw unauthenticated();
      Object.assign(request.context ?? {}, { adyton: principal });
    } catch (error) {
      const refusal = isRefusal(error) ? error : unavailable("the credential cannot be checked; try again", error);
      const { status, headers, body } = answerTo(refusal);
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- so crossws wants it
      throw new Response(body as BodyInit | null, { status, headers: pairs(headers) });
    }
  }

  websocket.hooks = { ...websocket.hooks, upgrade: guard as never };
}

function withoutOrigin(url: string): string {
  return url.replace(/^https?:\/\/[^/?#]*/i, "");
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
