// An engine as JavaScript uses it.

import { native } from "./addon.js";
import { api, type Api } from "./api.js";
import { AdytonError, AuthError, toResponse } from "./errors.js";
import { sink, type Surroundings } from "./log.js";
import type { Answer, Engine, Failure } from "./native.generated.js";
import type { AuthOptions } from "./options.generated.js";
import { Principal, type User } from "./principal.js";
import { among, bytes, head, read } from "./request.js";
import type { RawRequest, RawResponse, RequestHead, RequestInfo } from "./request.js";

export type MaybePromise<T> = T | Promise<T>;

/** An engine over a database, and the endpoints. */
export interface Auth<U = User> {
  /** Where the endpoints live. */
  readonly basePath: string;
  /** The SQLite file; null for another database. */
  readonly databasePath: string | null;
  /** Answers a request to the endpoints. */
  handler(request: Request, info?: RequestInfo): Promise<Response>;
  /** The same without web classes; at once where nothing has to wait. */
  handle(request: RawRequest): MaybePromise<RawResponse>;
  /**
   * As much of a body as counts, for `handle`. After `server.bodyTimeout` it rejects with an `AuthError`
   * (408), which asks for the end of the connection.
   */
  receive(body: AsyncIterable<Uint8Array> | null, announced?: string | null): Promise<Uint8Array | null>;
  /**
   * Who sends a request; null is a guest. A known credential is answered at once, without a promise. What
   * a cookie authenticates is checked against CSRF, unless its method changes nothing. A bad credential, a
   * failed check or a store that fails throws or rejects with an `AuthError`.
   */
  authenticate(request: RequestHead | Request, info?: RequestInfo): MaybePromise<Principal<U> | null>;
  /** Use cases for the host app itself. */
  readonly api: Api<U>;
  /** Writes down uses and refusals; it happens every ten seconds, and at the end, anyway. */
  flush(): Promise<void>;
  /** Waits for what is under way, writes everything down and ends the engine's threads. */
  close(): Promise<void>;
}

/** Callers that need not be described again. Whether they may still come in, the engine says at each request. */
const MOST_KNOWN = 4_096;

/** Engines that write down what is only in memory when the process ends, which calls no native hook. */
const open = new Set<Engine>();
const writeDown = () => open.forEach((engine) => engine.flushNow());

/** Throws an `AdytonError` for options that cannot stand. Nothing is opened. */
export function checkOptions(options: AuthOptions): void {
  const problem = native().checkOptions(JSON.stringify(options));
  if (problem) throw new AdytonError("invalid_options", problem.message, { key: problem.key });
}

/** Opens and migrates the database. Throws an `AdytonError`. */
export function createAuth<U = User>(options: AuthOptions = {}, { log }: Surroundings = {}): Auth<U> {
  checkOptions(options);
  let engine: Engine;
  try {
    engine = new (native().Engine)(JSON.stringify(options), sink(log));
  } catch (cause) {
    throw new AdytonError("cannot_start", `cannot start: ${(cause as Error).message}`, { cause });
  }
  if (open.size === 0) process.on("exit", writeDown);
  open.add(engine);
  return new Opened<U>(engine);
}

class Opened<U> implements Auth<U> {
  readonly basePath: string;
  readonly databasePath: string | null;
  readonly api: Api<U>;
  readonly #engine: Engine;
  /** Which headers tell who sends a request. */
  readonly #telling: (name: string) => boolean;
  readonly #bodyTimeout: number;
  /** By edition, a number that the engine gives to each state of each caller. */
  readonly #known = new Map<number, Principal<U>>();
  #closed: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#telling = among(engine.tellingHeaders);
    this.#bodyTimeout = engine.bodyTimeout;
    this.basePath = engine.basePath;
    this.databasePath = engine.databasePath;
    this.api = api((name, input) => this.#call(name, input));
  }

  async handler(request: Request, info?: RequestInfo): Promise<Response> {
    const body = await read(request.body, request.headers.get("content-length"), this.#bodyTimeout);
    if (body === undefined) return toResponse(this.#tooSlow());
    const { text, texts } = head(request, info);
    return toResponse(answered(await this.#engine.handle(text, texts, body)));
  }

  async receive(
    body: AsyncIterable<Uint8Array> | null,
    announced?: string | null,
  ): Promise<Uint8Array | null> {
    const bytes = await read(body, announced, this.#bodyTimeout);
    if (bytes === undefined) throw new AuthError(this.#tooSlow());
    return bytes;
  }

  /** The connection has to end: what still comes of the body is no request. */
  #tooSlow(): RawResponse {
    const { headers, ...answer } = answered(this.#engine.tooSlow());
    return { ...answer, headers: [...headers, "connection", "close"] };
  }

  handle(request: RawRequest): MaybePromise<RawResponse> {
    const { text, texts } = head(request);
    return then(this.#engine.handle(text, texts, bytes(request.body)), answered);
  }

  authenticate(request: RequestHead | Request, info?: RequestInfo): MaybePromise<Principal<U> | null> {
    const { text, texts } = head(request, info, this.#telling);
    const found = this.#engine.authenticate(text, texts);
    if (typeof found === "number") return found === 0 ? null : (this.#known.get(found) ?? this.#learn(found));
    return then(found, principal<U>);
  }

  /** The engine has just recognized a caller in this edition. */
  #learn(edition: number): Principal<U> {
    const caller = new Principal<U>(this.#engine.describe());
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(edition, caller);
    return caller;
  }

  async #call<T>(name: string, input: object): Promise<T> {
    let result: string | Answer | Failure;
    try {
      result = await this.#engine.call(JSON.stringify({ [name]: input }, meant(name)));
    } catch (error) {
      throw new TypeError((error as Error).message);
    }
    if (typeof result === "string") return JSON.parse(result) as T;
    throw "message" in result
      ? new AdytonError("cannot_do", result.message)
      : new AuthError(answered(result));
  }

  async flush(): Promise<void> {
    refuse(await this.#engine.flush());
  }

  close(): Promise<void> {
    if (open.delete(this.#engine) && open.size === 0) process.off("exit", writeDown);
    return (this.#closed ??= this.#engine.close().then(refuse));
  }
}

/** JSON says null for a number or a time that is none, and null says `never`: a token would live for ever. */
function meant(call: string) {
  return function (this: Record<string, unknown>, key: string, value: unknown): unknown {
    const own = this[key];
    const time = own instanceof Date ? own.getTime() : own;
    if (typeof time !== "number" || Number.isFinite(time)) return value;
    throw new TypeError(`${call}.${key}: must not be ${String(own)}`);
  };
}

/** What follows, now or later. */
function then<T, V>(value: MaybePromise<T>, next: (value: T) => V): MaybePromise<V> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function principal<U>(found: string | Answer): Principal<U> | null {
  if (typeof found !== "string") throw new AuthError(answered(found));
  return found === "" ? null : new Principal<U>(found);
}

function refuse(answer: Answer | void): void {
  if (answer) throw new AuthError(answered(answer));
}

function answered({ status, headers, body }: Answer): RawResponse {
  return { status, headers: headers.split("\n").slice(0, -1), body: body.length > 0 ? body : null };
}
