// Who is signed in in this browser, until when, with which abilities, and why the last requests were refused.
// No secret is shown, and everything that is comes escaped.

import type { Refused } from "./state";

/** What `/session` answers. */
export interface Current {
  user: Record<string, unknown> | null;
  guard?: string;
  abilities?: string[];
  expiresAt?: string | null;
  reason?: string;
}

export function page(current: Current | string, refusals: readonly Refused[]): string {
  const rows = refusals.map(({ at, method, path, refusal: { status, code, message, problem } }) =>
    row(at, `${method} ${path}`, `${status} ${code}${problem.reason ? ` (${problem.reason})` : ""}`, message),
  );
  const table = rows.length > 0 ? `<table>${rows.join("")}</table>` : "<p>None since the server started.</p>";
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Adyton</title><style>${STYLE}</style>
<h1>Session</h1>${typeof current === "string" ? `<p>${escape(current)}</p>` : session(current)}
<h1>Refused requests</h1>${table}</html>`;
}

function session({ user, guard, abilities = [], expiresAt, reason }: Current): string {
  if (!user) return `<p>Nobody is signed in${reason ? `: ${escape(reason)}` : ""}.</p>`;
  const expires = expiresAt ?? "never";
  return `<table>${row("guard", guard ?? "")}${row("abilities", abilities.join(", "))}${row("expires", expires)}${Object.entries(
    user,
  )
    .map(([column, value]) => row(column, String(value)))
    .join("")}</table>`;
}

function row(...cells: string[]): string {
  return `<tr>${cells.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

const STYLE = `:root{color-scheme:light dark;font:14px/1.5 system-ui,sans-serif}body{margin:1.5rem}
h1{font-size:1rem}td{padding:.2rem 1rem .2rem 0;vertical-align:top;overflow-wrap:anywhere}`;
