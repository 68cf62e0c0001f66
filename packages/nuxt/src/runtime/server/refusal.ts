// Refusals that are not the engine's own words: those of the guard, and of a server that cannot be reached.
// They have the form of the engine's (docs/reference/errors.md), so that clients need no second reading.

import { pairs } from "./flat";
import { complain } from "./log";
import type { Problem, RawResponse, Refusal } from "./types";

const TITLES: Record<number, string> = { 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable" };

const ALWAYS = /^(?:content-type|content-length|cache-control|x-content-type-options)$/i;

class GuardError extends Error implements Refusal {
  override readonly name = "AuthError";
  readonly problem: Problem;

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    more: Partial<Problem>,
    readonly headers: string[],
  ) {
    super(detail);
    this.problem = {
      type: "about:blank",
      title: TITLES[status] ?? "",
      status,
      detail,
      code,
      message: detail,
      ...more,
    };
  }
}

/** No credential where one is needed (RFC 6750, 3). */
export function unauthenticated(): Refusal {
  return new GuardError(401, "unauthenticated", "sign in first", {}, [
    "www-authenticate",
    'Bearer realm="adyton"',
  ]);
}

export function missingAbility(missing: string[]): Refusal {
  const challenge = ["www-authenticate", 'Bearer realm="adyton", error="insufficient_scope"'];
  return new GuardError(
    403,
    "missing_ability",
    `this needs the ability ${missing.join(", ")}`,
    { missing },
    challenge,
  );
}

/** The engine's words for it (crates/adyton-core/src/csrf.rs). */
export function publicUrlMissing(): Refusal {
  const detail = "cookies need `server.public_url` on any host but localhost";
  return new GuardError(403, "csrf_failed", detail, { reason: "public_url_missing" }, []);
}

/** An outage signs nobody out, so it is never a 401. It is logged here. */
export function unavailable(detail: string, cause?: unknown): Refusal {
  complain(detail, cause);
  const refusal = new GuardError(503, "store_unavailable", detail, {}, ["retry-after", "1"]);
  if (cause !== undefined) refusal.cause = cause;
  return refusal;
}

/** A refusal in the words of whoever authenticates. */
export function refusalOf(problem: Problem, headers: string[]): Refusal {
  const { status, code, detail } = problem;
  return new GuardError(status, code, detail, problem, headers);
}

/** What an answer of an endpoint refuses to somebody; null for every other answer. */
export function refusalIn({ status, headers, body }: RawResponse): Refusal | null {
  if (status !== 401 && status !== 403) return null;
  try {
    const problem = JSON.parse(Buffer.from(body ?? "").toString()) as unknown;
    const refusal = refusalOf(problem as Problem, headers);
    return refusal.status === status ? refusal : null;
  } catch {
    return null;
  }
}

export function isRefusal(error: unknown): error is Refusal {
  const { status, problem, headers } = (error ?? {}) as Partial<Refusal>;
  return typeof status === "number" && typeof problem === "object" && Array.isArray(headers);
}

/** The answer to it. */
export function answerTo({ status, problem, headers }: Refusal): RawResponse {
  const own = pairs(headers)
    .filter(([name]) => !ALWAYS.test(name))
    .flat();
  const always = [
    "content-type",
    "application/problem+json",
    "cache-control",
    "no-store",
    "x-content-type-options",
    "nosniff",
  ];
  return { status, headers: [...always, ...own], body: new TextEncoder().encode(JSON.stringify(problem)) };
}
