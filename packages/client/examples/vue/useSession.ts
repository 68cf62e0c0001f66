// Who is signed in, for every component of a Vue app: one client, one state.

import { type Client, type ClientOptions, createClient, type SessionState } from "@adyton/client";
import { type App, type ComputedRef, computed, inject, type InjectionKey, type ShallowRef, shallowRef } from "vue";

export interface Session {
  client: Client;
  state: Readonly<ShallowRef<SessionState>>;
  isSignedIn: ComputedRef<boolean>;
  /** Whether the credential may do this. */
  can: (ability: string) => boolean;
}

const KEY: InjectionKey<Session> = Symbol("session");

/** For `app.use(session())`. It asks who is signed in; a server that cannot be reached signs nobody out. */
export function session(options?: ClientOptions) {
  return {
    install(app: App): void {
      const client = createClient(options);
      const state = shallowRef(client.state);
      client.subscribe((next) => (state.value = next));
      app.provide(KEY, {
        client,
        state,
        isSignedIn: computed(() => state.value.status === "authenticated"),
        can: (ability) => ["*", ability].some((held) => state.value.abilities.includes(held)),
      });
      app.onUnmount(() => client.close());
      client.restore().catch(() => undefined);
    },
  };
}

export function useSession(): Session {
  const found = inject(KEY);
  if (!found) throw new Error("app.use(session()) comes first");
  return found;
}
