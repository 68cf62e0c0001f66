// The client of a page that is being rendered: its requests to the endpoints stay in this process.

import type { H3Event } from "h3";
import type { Bridge, BridgeFor } from "../server/bridge";
import { pairs } from "../server/flat";

/** What says who is visiting; the rest of a page's request is about the page. */
const OF_VISITOR =
  /^(?:cookie|host|user-agent|accept-language|origin|forwarded|x-forwarded-.*|sec-fetch-.*|x-request-id)$/i;

export function bridgeOf(event: H3Event): Bridge {
  return (event.context.adytonBridge as BridgeFor)(event);
}

export function serverFetch(event: H3Event, bridge: Bridge): typeof fetch {
  return async (input, init = {}) => {
    const url = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
    const headers = [...ofVisitor(event), ...[...new Headers(init.headers)].flat()];
    const answer = bridge.ask({
      method: init.method ?? "GET",
      url,
      headers,
      body: (init.body ?? null) as string | null,
    });
    if (answer === null) return event.fetch(url, init);
    const { status, headers: answered, body } = await answer;
    const lines = pairs(answered);
    for (const [name, value] of lines)
      if (/^set-cookie$/i.test(name)) event.node.res.appendHeader(name, value);
    return new Response(body as BodyInit | null, { status, headers: lines });
  };
}

function ofVisitor(event: H3Event): string[] {
  return pairs(event.node.req.rawHeaders)
    .filter(([name]) => OF_VISITOR.test(name))
    .flat();
}
