// What the stories share: an engine on a file of its own, and the actors.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { type Auth, type AuthOptions, createAuth, type RawResponse, type Surroundings } from "@adyton/node";

const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A folder that is gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "adyton-node-"));
  endings.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** An engine that is closed after the test; its log is silent unless a test listens. */
export function engine(options: AuthOptions = {}, surroundings: Surroundings = { log: false }): Auth {
  const connector = { options: { path: join(folder(), "auth.sqlite3") } };
  const auth = createAuth({ connector, ...options }, surroundings);
  endings.push(() => auth.close());
  return auth;
}

/** Runs at the end of the test. */
export function finally_(end: () => unknown): void {
  endings.push(end);
}

export const ADA = { name: "Ada", email: "ada@example.com", password: "correct horse 1" };

/** A signed-up user of tokens. */
export async function tokenUser(auth: Auth): Promise<{ token: string; refreshToken: string; id: number }> {
  const response = await post(auth, "/register", { ...ADA, guard: "token" });
  const body = json(response) as { token: string; refreshToken: string; user: { id: number } };
  return { token: body.token, refreshToken: body.refreshToken, id: body.user.id };
}

/** A signed-up user of a browser: what it sends back as its cookies. */
export async function cookieUser(auth: Auth): Promise<{ cookie: string; xsrf: string }> {
  const headers = { ...OWN, "content-type": "application/json" };
  const response = await auth.handle({
    method: "POST",
    url: "/api/auth/register",
    headers,
    body: JSON.stringify(ADA),
    clientAddress: HERE,
  });
  const cookies = header(response, "set-cookie").map((line) => line.split(";")[0]!);
  const xsrf = cookies.find((cookie) => cookie.startsWith("XSRF-TOKEN="))!.slice("XSRF-TOKEN=".length);
  return { cookie: cookies.join("; "), xsrf };
}

export const HERE = "127.0.0.1";

/** What a page of the app itself sends. */
export const OWN = { host: "localhost", "sec-fetch-site": "same-origin" };

/** A request of a client of tokens. */
export function withToken(token: string, more: { method?: string; url?: string } = {}) {
  const headers = { host: "localhost", authorization: `Bearer ${token}` };
  return { method: "GET", url: "/orders", headers, clientAddress: HERE, ...more };
}

export async function post(auth: Auth, path: string, body: unknown, from = HERE): Promise<RawResponse> {
  return auth.handle({
    method: "POST",
    url: `/api/auth${path}`,
    headers: { host: "localhost", "content-type": "application/json" },
    body: JSON.stringify(body),
    clientAddress: from,
  });
}

export function json(response: RawResponse): Record<string, unknown> {
  return JSON.parse(Buffer.from(response.body ?? "{}").toString()) as Record<string, unknown>;
}

/** Every value of a header of an answer. */
export function header(response: RawResponse, name: string): string[] {
  return response.headers.filter((_, at) => at % 2 === 1 && response.headers[at - 1] === name);
}

/** What a call throws or rejects with. */
export async function thrown(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
