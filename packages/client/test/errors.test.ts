import { expect, it } from "vitest";
import { ApiError, createClient, NetworkError } from "../src/index.js";
import { json } from "./world.js";

const failing = (response: () => Response) =>
  createClient({ baseUrl: "https://app.test", fetch: () => Promise.resolve().then(response) })
    .login({ email: "a", password: "secret phrase" })
    .then(() => Promise.reject(new Error("it must fail")))
    .catch((error: unknown) => error as ApiError);

it("carries all that the server says", async () => {
  const body = { type: "about:blank", status: 422, code: "validation_failed", message: "no", errors: { email: ["is taken"] } };
  const error = await failing(() => json(body, 422));
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toBeInstanceOf(Error);
  const { name, status, code, message, errors, missing, retryAfter, problem } = error;
  expect({ name, status, code, message, errors, missing, retryAfter, problem }).toEqual({
    name: "ApiError",
    status: 422,
    code: "validation_failed",
    message: "no",
    errors: { email: ["is taken"] },
    missing: undefined,
    retryAfter: undefined,
    problem: body,
  });
});

it("names the missing abilities and the seconds to wait", async () => {
  expect(await failing(() => json({ code: "missing_ability", missing: ["a"] }, 403))).toMatchObject({ missing: ["a"] });
  const waiting = (text: string) => failing(() => new Response("", { status: 503, headers: { "Retry-After": text } }));
  expect(await waiting("30")).toMatchObject({ retryAfter: 30, code: "http_503", message: "http_503" });
  expect(await waiting("Fri, 31 Dec 1999 23:59:59 GMT")).toMatchObject({ retryAfter: undefined });
});

it.each(["<html>", "", "null", "[]", '{"code":5}', '"code"'])("makes do with a body like %s", async (text) => {
  expect(await failing(() => new Response(text, { status: 502 }))).toMatchObject({ code: "http_502", problem: {} });
});

it("tells no answer from a refusal, and tells nobody the secret", async () => {
  const cause = new TypeError("fetch failed");
  const error = await failing(() => {
    throw cause;
  });
  expect(error).toBeInstanceOf(NetworkError);
  expect(error).toMatchObject({ name: "NetworkError", code: "network_error", cause });
  const cut = () => new Response(new ReadableStream({ start: (stream) => stream.error(new Error("cut")) }));
  expect(await failing(cut)).toBeInstanceOf(NetworkError);
  expect(JSON.stringify(error) + error.toString()).not.toContain("secret phrase");
});

it("lets the app's own requests fail as fetch does", async () => {
  const client = createClient({ fetch: () => Promise.reject(new TypeError("fetch failed")) });
  await expect(client.fetch("/api/orders")).rejects.toBeInstanceOf(TypeError);
  const aborted = createClient({ fetch: (_, init) => Promise.reject(init!.signal!.reason as Error) });
  const signal = AbortSignal.abort();
  await expect(aborted.fetch("/api/orders", { signal })).rejects.toMatchObject({ name: "AbortError" });
});
