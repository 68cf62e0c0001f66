// The two kinds of error: what a request is answered, and what keeps an engine from being there.

import type { RawResponse } from "./request.js";

/** Problem details (RFC 9457): the JSON body of a refusal. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable, for programs: `token_invalid`, `csrf_failed`, … */
  code: string;
  message: string;
  /** With `validation_failed`: the problems of each field. */
  errors?: Record<string, string[]>;
  /** With `missing_ability`: what is missing. */
  missing?: string[];
  /** With `csrf_failed`: which check failed. */
  reason?: string;
}

/** A refusal, with the answer that HTTP has for it. */
export class AuthError extends Error {
  override readonly name = "AuthError";
  readonly status: number;
  readonly code: string;
  readonly problem: Problem;
  /** Names and values by turns. */
  readonly headers: string[];

  constructor(answer: RawResponse) {
    const problem = JSON.parse(Buffer.from(answer.body ?? "{}").toString()) as Problem;
    super(problem.detail);
    this.status = answer.status;
    this.code = problem.code;
    this.problem = problem;
    this.headers = answer.headers;
  }

  /** The answer for whoever sent the request. */
  toResponse(): Response {
    return toResponse(answerOf(this));
  }
}

/** Why there is no engine. */
export class AdytonError extends Error {
  override readonly name = "AdytonError";
  readonly code: "invalid_options" | "no_native_binary" | "cannot_start" | "cannot_do";
  /** With `invalid_options`: the option, with dots. */
  readonly key?: string;

  constructor(code: AdytonError["code"], message: string, more: { key?: string; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    if (more.key !== undefined) this.key = more.key;
  }
}

/** A web response of an answer. */
export function toResponse({ status, headers, body }: RawResponse): Response {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) pairs.push([headers[at]!, headers[at + 1]!]);
  return new Response(body as BodyInit | null, { status, headers: pairs });
}

/** The answer to a refusal. */
export function answerOf({ status, headers, problem }: AuthError): RawResponse {
  return { status, headers, body: new TextEncoder().encode(JSON.stringify(problem)) };
}
