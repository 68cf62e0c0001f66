// An engine as JavaScript uses it.

import { AdytonError, AuthError, toResponse } from "./errors.js";
import loader from "./native.cjs";
import type { Answer, Engine } from "./native.generated.js";
import { Principal, type User } from "./principal.js";
import { bytes, type RawRequest, type RawResponse, read, type RequestHead, texts } from "./request.js";

export type MaybePromise<T> = T | Promise<T>;
export type AuthOptions = Record<string, unknown>;

/** An engine over a database. */
export interface Auth<U = User> {
  /** Where the endpoints live. */
  readonly basePath: string;
  /** The SQLite file. */
  readonly databasePath: string | null;
  /** Answers a request to the endpoints. */
  handler(request: Request, info?: { clientAddress?: string | undefined }): Promise<Response>;
  /** The same without web classes; at once where nothing has to wait. */
  handle(request: RawRequest): MaybePromise<RawResponse>;
  /** Who sends a request; null is a guest. A plain value where it is known, else a promise. Throws an `AuthError`. */
  authenticate(
    request: RequestHead | Request,
    info?: { clientAddress?: string | undefined },
  ): MaybePromise<Principal<U> | null>;
  /** Writes down uses and refusals, which happens every ten seconds anyway. */
  flush(): Promise<void>;
  /** Waits for what is under way, writes everything down and ends the engine. */
  close(): Promise<void>;
}

/** Engines that write down what is only in memory when the process ends. */
const open = new Set<Engine>();
process.on("exit", () => open.forEach((engine) => engine.flushNow()));

/** Throws an `AdytonError` for options that cannot stand. Nothing is opened. */
export function checkOptions(options: AuthOptions): void {
  const problem = addon().checkOptions(JSON.stringify(options));
  if (problem) throw new AdytonError("invalid_options", problem.message, { key: problem.key });
}

/** Opens and migrates the database. */
export function createAuth<U = User>(options: AuthOptions = {}): Auth<U> {
  checkOptions(options);
  const { Engine } = addon();
  let engine: Engine;
  try {
    engine = new Engine(JSON.stringify(options));
  } catch (cause) {
    throw new AdytonError("cannot_start", `cannot start: ${(cause as Error).message}`, { cause });
  }
  open.add(engine);
  return new Opened<U>(engine);
}

function addon() {
  const loaded = loader.load();
  if ("addon" in loaded) return loaded.addon;
  throw new AdytonError("no_native_binary", `no binary for ${process.platform}-${process.arch}`, {
    cause: new AggregateError(loaded.causes),
  });
}

class Opened<U> implements Auth<U> {
  readonly basePath: string;
  readonly databasePath: string | null;
  readonly #engine: Engine;
  #closed: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.basePath = engine.basePath;
    this.databasePath = engine.databasePath;
  }

  async handler(request: Request, info: { clientAddress?: string | undefined } = {}): Promise<Response> {
    const { method, url, headers } = request;
    const body = (await read(request.body)) ?? null;
    return toResponse(await this.handle({ method, url, headers, body, ...info }));
  }

  handle(request: RawRequest): MaybePromise<RawResponse> {
    const head = texts(request);
    return then(this.#engine.handle(head.join("\n"), head.length, bytes(request.body)), answered);
  }

  authenticate(
    request: RequestHead | Request,
    info: { clientAddress?: string | undefined } = {},
  ): MaybePromise<Principal<U> | null> {
    const { method, url, headers } = request;
    const head = texts({ method, url, headers, clientAddress: (request as RequestHead).clientAddress, ...info });
    return then(this.#engine.authenticate(head.join("\n"), head.length), (found) => {
      if (typeof found !== "string") throw new AuthError(answered(found));
      return found === "null" ? null : new Principal<U>(found);
    });
  }

  async flush(): Promise<void> {
    refused(await this.#engine.flush());
  }

  close(): Promise<void> {
    open.delete(this.#engine);
    return (this.#closed ??= this.#engine.close().then(refused));
  }
}

/** What follows, now or later. */
function then<T, V>(value: T | Promise<T>, next: (value: T) => V): MaybePromise<V> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function refused(answer: Answer | void): void {
  if (answer) throw new AuthError(answered(answer));
}

function answered({ status, headers, body }: Answer): RawResponse {
  return { status, headers: headers.split("\n").slice(0, -1), body: body.length > 0 ? body : null };
}
