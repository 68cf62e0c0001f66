// At which hosts cookies count, in the words of crates/adyton/src/first_party.rs: with a public URL at all, without one
// only where it can be this machine. The server cannot tell by itself, because it is called by the host of `baseUrl`.

import { pairs } from "../flat";
import { warn } from "../log";
import type { RawRequest } from "../types";

/** How long it counts what the server has said: it may start anew, with other options. */
const PERIOD = 10_000;

const LOOPBACK = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** Whether cookies count in a request; rejects while the server does not say whether it has a public URL. */
export function ownHosts(hasPublicUrl: () => Promise<boolean>): (request: RawRequest) => Promise<boolean> {
  let known: { until: number; answer: Promise<boolean> } | undefined;

  function ask(): Promise<boolean> {
    if (known && performance.now() < known.until) return known.answer;
    const answer = hasPublicUrl();
    known = { until: performance.now() + PERIOD, answer };
    answer.then(tell, () => (known = undefined));
    return answer;
  }

  return (request) => (isLoopback(request) ? Promise.resolve(true) : ask());
}

function isLoopback({ headers }: RawRequest): boolean {
  const hosts = pairs(headers).filter(([name]) => /^host$/i.test(name));
  return hosts.length === 1 && LOOPBACK.test(hosts[0]?.[1] ?? "");
}

export function withoutCookies(request: RawRequest): RawRequest {
  return { ...request, headers: pairs(request.headers).filter(([name]) => !/^cookie$/i.test(name)).flat() };
}

/** Whether a cookie is asked for. Without one, a server that knows no page of ours gives none to other requests. */
export function wantsCookie({ method, url, headers, body }: RawRequest, basePath: string): boolean {
  const path = url.split("?", 1)[0]?.slice(basePath.length) ?? "";
  if (path === "/csrf-cookie") return method === "GET";
  if (method !== "POST" || !/^\/(?:login|register)$/.test(path)) return false;
  const guard = guardIn(body);
  const isOfPage = pairs(headers).some(([name]) => /^(?:origin|sec-fetch-site)$/i.test(name));
  return guard === "session" || (isOfPage && guard !== "token");
}

function guardIn(body: RawRequest["body"]): unknown {
  try {
    const text = typeof body === "string" ? body : new TextDecoder().decode(body ?? undefined);
    return (JSON.parse(text) as { guard?: unknown } | null)?.guard;
  } catch {
    return undefined;
  }
}

let isTold = false;

function tell(hasPublicUrl: boolean): void {
  if (hasPublicUrl || isTold) return;
  isTold = true;
  warn("cookies work on localhost only: set `server.public_url` of the server to the address that people see");
}
