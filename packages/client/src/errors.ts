// What the methods of a client reject with: an answer of the server that is a refusal, or no answer at all.

import type { Problem } from "./types.js";

/** The server refused. `code` is stable; `message` is for people. */
export class ApiError extends Error {
  readonly status: number;
  /** A code of the server, or `http_<status>` where something before the server has answered. */
  readonly code: string;
  /** The problems of each field, for `validation_failed`. */
  readonly errors: Record<string, string[]> | undefined;
  /** For `missing_ability`. */
  readonly missing: string[] | undefined;
  /** In how many seconds to try again, where the server says so. */
  readonly retryAfter: number | undefined;
  /** The whole body. */
  readonly problem: Partial<Problem>;

  constructor(response: Response, problem: Partial<Problem>) {
    const code = problem.code ?? `http_${response.status}`;
    super(problem.message ?? code);
    this.name = "ApiError";
    this.status = response.status;
    this.code = code;
    this.errors = problem.errors;
    this.missing = problem.missing;
    this.retryAfter = retryAfter(response);
    this.problem = problem;
  }
}

/** No answer came, so nothing is known: not even whether the request arrived. */
export class NetworkError extends Error {
  readonly code = "network_error";

  constructor(cause: unknown) {
    super("no answer from the server", { cause });
    this.name = "NetworkError";
  }
}

/** The body of a refusal; empty where it is not one of ours. */
export function problemIn(body: unknown): Partial<Problem> {
  const ours = typeof body === "object" && body !== null && typeof (body as Problem).code === "string";
  return ours ? body : {};
}

/** RFC 9110, 10.2.3: seconds or a date. */
function retryAfter(response: Response): number | undefined {
  const value = response.headers.get("retry-after");
  if (!value) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - Date.now()) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
