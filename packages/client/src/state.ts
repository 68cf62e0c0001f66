// Who is signed in, and who wants to know of changes. A question that was asked before somebody signed in or out gets
// an answer that is not true any more: `epoch` tells.

import { NO_ADYTON } from "./http.js";
import type { CurrentSession, SessionState } from "./types.js";

export class Store<U> {
  state: SessionState<U>;
  /** Grows whenever an answer that is still under way must not count. */
  epoch = 0;
  readonly #listeners = new Set<(state: SessionState<U>) => void>();

  constructor(initial: SessionState<U> | undefined) {
    this.state = initial ?? { ...guest<U>(), status: "loading" };
  }

  readonly subscribe = (listener: (state: SessionState<U>) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(state: SessionState<U>): void {
    this.state = state;
    for (const listener of this.#listeners) {
      try {
        listener(state);
      } catch (error) {
        // It is the app's mistake, and nothing that a sign-in should fail by.
        console.error(error); // eslint-disable-line no-console
      }
    }
  }
}

export function guest<U>(reason?: string): SessionState<U> {
  return stateOf<U>({ user: null, reason });
}

/** Of an answer of `/session`, or of a sign-in, which tells less: with a cookie neither abilities nor expiry. */
export function stateOf<U>(current: CurrentSession<U>): SessionState<U> {
  const { user, guard = null, abilities = [], expiresAt = null, session = null, reason = null } = current;
  // Somebody else's JSON makes a guest of nobody.
  if (typeof user !== "object") throw new TypeError(NO_ADYTON);
  return { status: user ? "authenticated" : "guest", user, guard, abilities, expiresAt, session, reason };
}
