// A started app, and the people who use it: each has cookies of their own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FIXTURE } from "./build";

export interface App {
  url: string;
  folder: string;
  pid: number;
  log(): string;
  /** Ends it as an operator would, and waits. */
  stop(options?: { keep?: boolean }): Promise<number | null>;
}

export async function startApp(
  env: Record<string, string> = {},
  build: "embedded" | "remote" = "embedded",
  in_?: string,
): Promise<App> {
  const folder = in_ ?? mkdtempSync(join(tmpdir(), "adyton-nuxt-"));
  const port = env.NITRO_PORT ? Number(env.NITRO_PORT) : await freePort();
  const child = spawn(process.execPath, [`${FIXTURE}/.output/${build}/server/index.mjs`], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "production",
      NITRO_HOST: "127.0.0.1",
      NITRO_PORT: String(port),
      ...env,
    },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await untilListening(child, () => text);
  return {
    url: `http://127.0.0.1:${port}`,
    folder,
    pid: child.pid!,
    log: () => text,
    async stop({ keep = false } = {}) {
      const code = await ended(child);
      if (!keep) rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

async function untilListening(child: ChildProcess, log: () => string): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) {
    if (log().includes("Listening on")) return;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  throw new Error(`the app has not started:\n${log()}`);
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.kill("SIGTERM");
  });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Somebody with a browser: it keeps cookies and says that requests come from a page of the app. */
export class Visitor {
  readonly cookies = new Map<string, string>();

  constructor(
    readonly app: App,
    readonly headers: Record<string, string> = { "sec-fetch-site": "same-origin" },
  ) {}

  async fetch(path: string, init: RequestInit & { json?: unknown } = {}): Promise<Response> {
    const headers = new Headers({ ...this.headers, ...(init.headers as Record<string, string>) });
    if (this.cookies.size > 0)
      headers.set("cookie", [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const body = init.json === undefined ? init.body : JSON.stringify(init.json);
    if (init.json !== undefined) headers.set("content-type", "application/json");
    const method = init.method ?? (body === undefined ? "GET" : "POST");
    const response = await fetch(this.app.url + path, {
      ...init,
      method,
      headers,
      body: body ?? null,
      redirect: "manual",
    });
    for (const line of response.headers.getSetCookie()) this.take(line);
    return response;
  }

  private take(line: string): void {
    const [pair = ""] = line.split(";");
    const at = pair.indexOf("=");
    const isGone = /max-age=0\b|expires=Thu, 01 Jan 1970/i.test(line);
    if (isGone) this.cookies.delete(pair.slice(0, at));
    else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
  }

  async json<T = Record<string, unknown>>(
    path: string,
    init: RequestInit & { json?: unknown } = {},
  ): Promise<T> {
    return (await this.fetch(path, init)).json() as Promise<T>;
  }

  /** Signs up; a name is a person. */
  async register(name: string, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const json = {
      name,
      email: `${name.toLowerCase()}@example.com`,
      password: "a long enough password",
      ...more,
    };
    return this.json("/api/auth/register", { json });
  }

  /** What a page says of its visitor: `status:name:abilities`. */
  async who(path: string): Promise<string> {
    return /id="(?:who|orders)">([^<]*)</.exec(await (await this.fetch(path)).text())?.[1] ?? "";
  }
}
