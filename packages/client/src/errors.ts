// What the methods of a client reject with: an answer of the server that is a refusal, or no answer at all.

import type { Problem } from "./types.js";

/** The server refused. `code` is stable; `message` is for people. */
export class ApiError extends Error {
  declare readonly status: number;
  /** A code of the server, or `http_<status>` where something before the server has answered. */
  declare readonly code: string;
  /** The problems of each field, for `validation_failed`. */
  declare readonly errors: Record<string, string[]> | undefined;
  /** For `missing_ability`. */
  declare readonly missing: string[] | undefined;
  /** In how many seconds to try again, where the server says so. */
  declare readonly retryAfter: number | undefined;
  /** The whole body. */
  declare readonly problem: Partial<Problem>;

  constructor(response: Response, problem: Partial<Problem>) {
    const { status, headers } = response;
    const { code = `http_${status}`, message = code, errors, missing } = problem;
    // Seconds, as our server has them. A date, which some proxies send, is no hint.
    const retryAfter = Number(headers.get("Retry-After")) || undefined;
    super(message);
    Object.assign(this, { name: "ApiError", status, code, errors, missing, retryAfter, problem });
  }
}

/** No answer came, so nothing is known: not even whether the request arrived. */
export class NetworkError extends Error {
  readonly code = "network_error";

  constructor(cause: unknown) {
    super("no answer came", { cause });
    this.name = "NetworkError";
  }
}

/** The body of a refusal; empty where it is not one of ours. */
export function problemIn(body: unknown): Partial<Problem> {
  const problem = body as Partial<Problem> | null;
  return typeof problem?.code === "string" ? problem : {};
}
