// What differs between the two ways to be signed in. Everything else is in client.ts.

import type { Outgoing } from "./http.js";
import type { Store } from "./state.js";
import type { News, Tabs } from "./tabs.js";
import type { CurrentSession, Guard, SessionState, SignIn } from "./types.js";

export interface Mode<U> {
  readonly guard: Guard;
  /** Adds what our own endpoints are to know of this client, whoever is signed in. */
  readonly introduce: (outgoing: Outgoing) => Promise<void>;
  /** Adds what signs the request in, and answers the token that it is, if it is one; `before` is what it had before. */
  readonly sign: (outgoing: Outgoing, before: string | null) => Promise<string | null>;
  /** After a 401: finds out what it means, and whether the request may be sent again. */
  readonly recover: (response: Response, used: string | null) => Promise<boolean>;
  /** Who is signed in, as the server sees it. */
  readonly current: () => Promise<CurrentSession<U>>;
  readonly refresh: () => Promise<unknown>;
  readonly token: () => Promise<string | null>;
  /** Keeps what a sign-in brought. */
  readonly enter: (signIn: SignIn<U>) => Promise<void>;
  /** Signs out at the server, and forgets. */
  readonly leave: () => Promise<void>;
  /** Forgets what the server has ended already. */
  readonly forget: () => Promise<void>;
  /** Another tab has news. */
  readonly hear: (news: News) => Promise<unknown>;
  /** The page is looked at again, or the network is back. */
  readonly wake: () => Promise<unknown>;
  readonly close: () => void;
}

/** What a mode needs of its client. */
export interface Core<U> {
  readonly store: Store<U>;
  readonly tabs: Tabs;
  /** Asks one of our own endpoints, signed in. */
  readonly call: (method: string, path: string, body?: unknown) => Promise<unknown>;
  /** The same without a token, and without a second thought at a 401. */
  readonly callAnonymously: (method: string, path: string, body?: unknown) => Promise<unknown>;
  readonly restore: () => Promise<SessionState<U>>;
}
