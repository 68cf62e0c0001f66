// Only in development: a page that says who is signed in in this browser, until when, with which abilities, and why the
// last requests were refused. It shows no secret, and everything on it is escaped.

import { defineEventHandler, getCookie, type H3Event, setResponseHeaders } from "h3";
import { useRuntimeConfig } from "nitropack/runtime";
import type { PublicOptions } from "../types";
import { head } from "./raw";
import { type AdytonServer, type Refused, useAdytonServer } from "./state";

interface Current {
  user: Record<string, unknown> | null;
  guard?: string;
  abilities?: string[];
  expiresAt?: string | null;
  reason?: string;
}

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
  const headers = token === null ? raw.headers : [...raw.headers, options.tokenHeader, `${prefix} ${token}`.trim()];
  const { body } = await backend.handle({ ...raw, method: "GET", url: `${options.basePath}/session`, headers });
  return JSON.parse(new TextDecoder().decode(body ?? undefined)) as Current;
}

function tokenIn(cookie: string | undefined): string | null {
  try {
    return (JSON.parse(cookie ?? "null") as { token?: string } | null)?.token ?? null;
  } catch {
    return null;
  }
}

export function page(current: Current | string, refusals: readonly Refused[]): string {
  const rows = refusals.map(({ at, method, path, refusal: { status, code, message, problem } }) =>
    row(at, `${method} ${path}`, `${status} ${code}${problem.reason ? ` (${problem.reason})` : ""}`, message));
  const table = rows.length > 0 ? `<table>${rows.join("")}</table>` : "<p>None since the server started.</p>";
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Adyton</title><style>${STYLE}</style>
<h1>Session</h1>${typeof current === "string" ? `<p>${escape(current)}</p>` : session(current)}
<h1>Refused requests</h1>${table}</html>`;
}

function session({ user, guard, abilities = [], expiresAt, reason }: Current): string {
  if (!user) return `<p>Nobody is signed in${reason ? `: ${escape(reason)}` : ""}.</p>`;
  const expires = expiresAt ?? "never";
  return `<table>${row("guard", guard ?? "")}${row("abilities", abilities.join(", "))}${row("expires", expires)}${
    Object.entries(user).map(([column, value]) => row(column, String(value))).join("")}</table>`;
}

function row(...cells: string[]): string {
  return `<tr>${cells.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

const STYLE = `:root{color-scheme:light dark;font:14px/1.5 system-ui,sans-serif}body{margin:1.5rem}
h1{font-size:1rem}td{padding:.2rem 1rem .2rem 0;vertical-align:top;overflow-wrap:anywhere}`;
