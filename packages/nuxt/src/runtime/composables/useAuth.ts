// Signing in and out, and whether somebody is signed in. Who that is says `useUser()`, by which token
// `useToken()`.

import type { LoginInput, RegisterInput, SessionInfo, SignIn } from "@adyton/client";
import { navigateTo, useRouter } from "nuxt/app";
import { type ComputedRef, computed, type Ref } from "vue";
import { useAdyton } from "../utils/adyton";
import type { AdytonUser, AuthError, State } from "../types";
import { afterSignIn } from "../utils/redirect";

export interface Auth {
  user: ComputedRef<AdytonUser | null>;
  /**
   * `loading` until it is known, which takes a moment only on pages that the server did not render for this
   * visitor.
   */
  status: ComputedRef<State["status"]>;
  isAuthenticated: ComputedRef<boolean>;
  /** Why a guest is one, as a code of the server (`session_expired`); null for who never signed in, or signed out. */
  reason: ComputedRef<string | null>;
  /** Why the last action failed; null again when the next begins. */
  error: Readonly<Ref<AuthError | null>>;
  /**
   * Rejects with an `ApiError` or a `NetworkError`. Goes on to the page that was wanted, unless `redirectTo`
   * says where.
   */
  login(input: LoginInput, options?: Navigation): Promise<SignIn<AdytonUser>>;
  /** Signs up and in. */
  register(input: RegisterInput, options?: Navigation): Promise<SignIn<AdytonUser>>;
  /** Ends this session; `everywhere`, all others too. */
  logout(options?: { everywhere?: boolean } & Navigation): Promise<void>;
  /** Asks the server anew. An unreachable server rejects and signs nobody out. */
  refresh(): Promise<State>;
  sessions(): Promise<SessionInfo[]>;
  endSession(id: string): Promise<void>;
  /** Ends every session but this one. */
  endOtherSessions(): Promise<void>;
}

export interface Navigation {
  /** Where to go afterwards; `false` for nowhere. */
  redirectTo?: string | false;
}

export function useAuth(): Auth {
  const { client, state, error, attempt, options } = useAdyton();
  const { currentRoute } = useRouter();

  async function signIn(action: () => Promise<SignIn<AdytonUser>>, { redirectTo }: Navigation = {}) {
    const result = await attempt(action);
    await go(redirectTo ?? afterSignIn(currentRoute.value, options.redirects));
    return result;
  }

  return {
    user: computed(() => state.value.user),
    status: computed(() => state.value.status),
    isAuthenticated: computed(() => state.value.status === "authenticated"),
    reason: computed(() => state.value.reason),
    error,
    login: (input, navigation) => signIn(() => client.login(input), navigation),
    register: (input, navigation) => signIn(() => client.register(input), navigation),
    async logout({ everywhere = false, redirectTo = options.redirects.logout } = {}) {
      await attempt(() => client.logout({ everywhere }));
      await go(redirectTo);
    },
    refresh: () => attempt(() => client.refresh()),
    sessions: () => attempt(() => client.sessions()),
    endSession: (id) => attempt(() => client.endSession(id)),
    endOtherSessions: () => attempt(() => client.endOtherSessions()),
  };
}

async function go(to: string | false) {
  if (to !== false) await navigateTo(to);
}
