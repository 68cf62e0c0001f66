// Only in development: the page of devtools-page.ts, for whoever opens it.

import { defineEventHandler, getCookie, type H3Event, setResponseHeaders } from "h3";
import { useRuntimeConfig } from "nitropack/runtime";
import type { PublicOptions } from "../types";
import { type Current, page } from "./devtools-page";
import { head } from "./raw";
import { type AdytonServer, useAdytonServer } from "./state";

export default defineEventHandler(async (event) => {
  const server = useAdytonServer();
  const current = await currentOf(event, server).catch((error: unknown) => (error as Error).message);
  setResponseHeaders(event, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
  });
  return page(current, server.refusals);
});

async function currentOf(event: H3Event, { backend, options, from }: AdytonServer): Promise<Current> {
  const { clientMode, prefix } = useRuntimeConfig().public.adyton as PublicOptions;
  const raw = head(event, from);
  const token = clientMode === "token" ? tokenIn(getCookie(event, "adyton_tokens")) : null;
  const headers =
    token === null ? raw.headers : [...raw.headers, options.tokenHeader, `${prefix} ${token}`.trim()];
  const { body } = await backend.handle({
    ...raw,
    method: "GET",
    url: `${options.basePath}/session`,
    headers,
  });
  return JSON.parse(new TextDecoder().decode(body ?? undefined)) as Current;
}

function tokenIn(cookie: string | undefined): string | null {
  try {
    return (JSON.parse(cookie ?? "null") as { token?: string } | null)?.token ?? null;
  } catch {
    return null;
  }
}
