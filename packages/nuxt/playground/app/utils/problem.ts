// What went wrong, read alike from an error of the composables and from one of `$fetch`.

export interface Problem {
  status: number;
  code: string;
  detail: string;
  errors: Record<string, string[]>;
  retryAfter: number;
}

export function problemOf(error: unknown): Problem {
  const { problem, data, status, code, retryAfter, response } = (error ?? {}) as Record<string, any>;
  const body = problem ?? data?.data ?? data ?? {};
  return {
    status: body.status ?? status ?? 0,
    code: body.code ?? code ?? "network_error",
    detail: sentence(body.detail ?? "The server cannot be reached. Try again in a moment."),
    errors: body.errors ?? {},
    retryAfter: retryAfter ?? Number(response?.headers.get("retry-after") ?? 0),
  };
}

/** What a page refuses by itself, as the server would. */
export function refusal(field: string, detail: string): Error {
  const problem = { status: 422, code: "validation_failed", detail, errors: { [field]: [detail] } };
  return Object.assign(new Error(detail), { problem });
}

export function isOutage(error: unknown): boolean {
  return error !== null && error !== undefined && [0, 502, 503, 504].includes(problemOf(error).status);
}
