// What stands between the handlers and whoever authenticates: the engine in this process, or a server
// elsewhere.

import type { SessionInfo } from "@adyton/client";
import type { AdytonUser } from "../types";

export type MaybePromise<T> = T | Promise<T>;

/** A request without web classes, which would cost more than the engine. */
export interface RawRequest {
  method: string;
  /** Path and query, as they stood in the request. */
  url: string;
  /** Names and values by turns. */
  headers: readonly string[];
  body?: Uint8Array | string | null;
  clientAddress?: string;
}

export interface RawResponse {
  status: number;
  /** Names and values by turns: a repeated `set-cookie` survives. */
  headers: string[];
  body: Uint8Array | null;
}

/** Who is calling. Requests share it: it is frozen where the engine is in this process. */
export interface Principal<U = AdytonUser> {
  readonly user: Readonly<U>;
  readonly guard: "token" | "session";
  readonly abilities: readonly string[];
  readonly expiresAt: string | null;
  readonly session: Readonly<SessionInfo> | null;
  /** The id of a personal access token; null for other credentials, and in server mode. */
  readonly tokenId: number | null;
  can(ability: string): boolean;
}

export interface Backend {
  /** Answers a request to the endpoints. */
  handle(request: RawRequest): MaybePromise<RawResponse>;
  /** Who sends a request; null for a guest. A refusal is thrown, as a `Refusal`. */
  authenticate(request: RawRequest): MaybePromise<Principal | null>;
  close(): Promise<void>;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  message: string;
  missing?: string[];
  reason?: string;
}

/**
 * The part of a refusal that handlers answer with; the errors of `@adyton/node` have it, and those of
 * `refusal.ts`.
 */
export interface Refusal extends Error {
  status: number;
  code: string;
  problem: Problem;
  headers: string[];
}

/** What the server needs to know of the options, besides those of the engine. */
export interface ServerOptions {
  baseUrl?: string;
  basePath: string;
  noAuthRoutes: string[];
  tokenHeader: string;
  sanctum: boolean;
  importPlaintextTokens: boolean;
}
