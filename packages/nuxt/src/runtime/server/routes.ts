// Which requests need no credential: `"METHOD:/path/[param]"`, read as the engine reads `no_auth_routes`
// (crates/adyton-core/src/route_pattern.rs says why; both are tested with
// crates/adyton-core/tests/routes.json).
//
// An exemption opens a door, so a path that two programs could read in two ways matches none.

import { withoutQuery } from "./flat";

export interface RoutePattern {
  /** In capitals; null for any. */
  method: string | null;
  /** Null stands for a placeholder. */
  segments: (string | null)[];
  /** Whether more segments may follow. */
  open: boolean;
}

const TELLS_METHOD = "begin with a method or `*` and a colon, such as `GET:/public`";
const TELLS_PATH =
  "write a plain path that begins with `/`, without a query, empty or dot segments, backslashes or escapes of `/`";
const TELLS_PLACEHOLDER =
  "a placeholder is a whole segment: `[name]` for one, `[...name]` at the end for all that follow";

/**
 * Throws a `TypeError` that says what is wrong, for anything that could not match, or not what it seems to.
 */
export function parseRoute(text: string): RoutePattern {
  const [, method, path] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  if (!method || path === undefined || !/^(?:\*|[\w!#$%&'+\-.^`|~]+)$/.test(method))
    throw new TypeError(TELLS_METHOD);
  const segments = !path.startsWith("/") || /[?# ]/.test(path) ? null : decodedSegments(path);
  if (!segments) throw new TypeError(TELLS_PATH);
  const open = placeholder(segments.at(-1) ?? "") === "rest";
  if (open) segments.pop();
  return { method: method === "*" ? null : method.toUpperCase(), segments: segments.map(readSegment), open };
}

export function matches(pattern: RoutePattern, method: string, path: readonly string[]): boolean {
  const { segments, open } = pattern;
  const isLongEnough = open ? path.length >= segments.length : path.length === segments.length;
  return (
    allows(pattern, method) &&
    isLongEnough &&
    segments.every((own, at) => (own === null ? path[at] !== "" : own === path[at]))
  );
}

/** The segments of a request's path, decoded; null for a target that programs may read in different ways. */
export function requestPath(target: string): string[] | null {
  // A fragment never stands in a request; who sends one hopes for a difference.
  if (!/^[\x21-\x22\x24-\x7e]*$/.test(target)) return null;
  return decodedSegments(withoutQuery(target));
}

/** `GET` stands for `HEAD` too, which answers nothing that `GET` would not. */
function allows({ method: own }: RoutePattern, method: string): boolean {
  return own === null || own === method || (own === "GET" && method === "HEAD");
}

/** After one decoding; the last may be empty, which is a slash at the end. */
function decodedSegments(path: string): string[] | null {
  if (!path.startsWith("/")) return null;
  const raw = path.slice(1).split("/");
  const segments = raw.map((text, at) => (text === "" && at === raw.length - 1 ? "" : decoded(text)));
  return segments.every((text) => text !== null) ? segments : null;
}

function decoded(raw: string): string | null {
  if (!raw.includes("%")) return isPlain(raw) ? raw : null;
  if (/%(?![0-9a-f]{2})/i.test(raw)) return null;
  const once = text(percentDecoded(raw));
  if (once === null || !isPlain(once)) return null;
  // There are apps that decode twice.
  return isPlain(LOSSY.decode(percentDecoded(once))) ? once : null;
}

/** Servlet containers cut what follows a `;` before they resolve dots: `..;x` is `..` to them. */
function isPlain(segment: string): boolean {
  const cut = segment.split(";", 1)[0] ?? "";
  return cut !== "" && cut !== "." && cut !== ".." && !/[/\\\u0000-\u001f\u007f-\u009f]/.test(segment);
}

/** What escapes stand for; a broken one is left as it is. */
function percentDecoded(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const out: number[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const escape =
      bytes[at] === 0x25
        ? /^[0-9a-f]{2}$/i.exec(String.fromCharCode(...bytes.subarray(at + 1, at + 3)))
        : null;
    out.push(escape ? Number.parseInt(escape[0], 16) : (bytes[at] ?? 0));
    if (escape) at += 2;
  }
  return Uint8Array.from(out);
}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LOSSY = new TextDecoder("utf-8", { ignoreBOM: true });

/** Null for what is no UTF-8. */
function text(bytes: Uint8Array): string | null {
  try {
    return STRICT.decode(bytes);
  } catch {
    return null;
  }
}

function placeholder(segment: string): "one" | "rest" | null {
  const found = /^\[(\.\.\.)?[\w-]+\]$/.exec(segment);
  return found && (found[1] ? "rest" : "one");
}

function readSegment(segment: string): string | null {
  const kind = placeholder(segment);
  if (kind === "one") return null;
  if (kind === "rest" || segment.startsWith(":") || /[[\]{}*]/.test(segment))
    throw new TypeError(TELLS_PLACEHOLDER);
  return segment;
}
