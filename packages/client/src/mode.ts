// What differs between the two ways to be signed in. Everything else is in client.ts.

import type { Outgoing } from "./http.js";
import type { Store } from "./state.js";
import type { Tabs } from "./tabs.js";
import type { CurrentSession, SessionState, SignIn } from "./types.js";

export interface Mode<U> {
  /** Adds what signs a request in, and answers the token that it is, if it is one. */
  readonly sign: (outgoing: Outgoing, kind: Kind, before?: string | null) => Promise<string | null>;
  /** After a 401: finds out what it means, and whether the request may be sent again. */
  readonly recover: (response: Response, used: string | null) => Promise<boolean>;
  /** Who is signed in, as the server sees it. */
  readonly current: () => Promise<CurrentSession<U>>;
  readonly refresh: () => Promise<unknown>;
  readonly token: () => Promise<string | null>;
  /** Keeps what a sign-in brought; with null, forgets what the server has ended. */
  readonly keep: (signIn: SignIn<U> | null) => Promise<unknown>;
  /** Signs out at the server, and forgets. */
  readonly leave: () => Promise<void>;
  /** Time has passed, or another tab has a new pair. */
  readonly wake: () => Promise<unknown>;
}

/** What a mode needs of its client. */
export interface Core<U> {
  readonly store: Store<U>;
  readonly tabs: Tabs;
  readonly call: Call;
  readonly restore: () => Promise<SessionState<U>>;
  /** Asks who is signed in, for what was asked before is old. */
  readonly askAnew: () => void;
  /** Sets what is true from now on, whatever answers are still under way, and tells the other tabs. */
  readonly decide: (state: SessionState<U>) => void;
}

/** Asks one of our own endpoints. */
export type Call = (
  method: string,
  path: string,
  body?: object | null,
  kind?: Kind,
  signal?: AbortSignal | null,
) => Promise<unknown>;

/**
 * What a request is: one of the app's own, which learns of no device; one to an endpoint of ours; or one of nobody, to
 * an endpoint of ours without a token, where a 401 is an answer like others.
 */
export type Kind = "app" | "own" | "nobody";
