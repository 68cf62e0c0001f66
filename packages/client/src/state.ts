// Who is signed in, and who wants to know of changes. A question that was asked before somebody signed in or out gets
// an answer that is not true any more: `epoch` tells.

import type { CurrentSession, SessionState, SignIn } from "./types.js";

export class Store<U> {
  state: SessionState<U>;
  /** Grows whenever an answer that is still under way must not count. */
  epoch = 0;
  readonly #listeners = new Set<(state: SessionState<U>) => void>();

  constructor(initial: SessionState<U> | undefined) {
    this.state = initial ?? { ...guest<U>(null), status: "loading" };
  }

  subscribe(listener: (state: SessionState<U>) => void): () => void {
    const own = (state: SessionState<U>) => listener(state);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  set(state: SessionState<U>): void {
    this.state = state;
    for (const listener of [...this.#listeners]) {
      try {
        listener(state);
      } catch (error) {
        // It is the app's mistake, and nothing that a sign-in should fail by.
        console.error(error); // eslint-disable-line no-console
      }
    }
  }

  /** Sets what is known to be true from now on. */
  decide(state: SessionState<U>): void {
    this.epoch++;
    this.set(state);
  }
}

export function guest<U>(reason: string | null): SessionState<U> {
  return { status: "guest", user: null, guard: null, abilities: [], expiresAt: null, session: null, reason };
}

export function stateOf<U>(current: CurrentSession<U>): SessionState<U> {
  if (!current.user) return guest(current.reason ?? null);
  return {
    status: "authenticated",
    user: current.user,
    guard: current.guard ?? null,
    abilities: current.abilities ?? [],
    expiresAt: current.expiresAt ?? null,
    session: current.session ?? null,
    reason: null,
  };
}

/** What a sign-in tells by itself; with a cookie that is neither abilities nor expiry. */
export function stateOfSignIn<U>(signIn: SignIn<U>): SessionState<U> {
  const { user, guard, abilities, expiresAt } = signIn;
  return stateOf({ user, guard, abilities, expiresAt });
}
