// What all composables share: one client and one state for each Nuxt app. On the server there is one Nuxt app
// for each request, so nothing here may be kept in a variable of this module: it would be another visitor's
// next.

import { type Client, type ClientOptions, createClient } from "@adyton/client";
import { type NuxtApp, useNuxtApp, useRuntimeConfig, useState } from "nuxt/app";
import { type Ref, shallowRef } from "vue";
import type { AdytonUser, AuthError, PublicOptions, State } from "../types";

export interface Adyton {
  client: Client<AdytonUser>;
  state: Ref<State>;
  token: Ref<string | null>;
  error: Ref<AuthError | null>;
  options: PublicOptions;
  /** Whether what the page was rendered with may be about somebody else: it came from a cache. */
  isHearsay: Ref<boolean>;
  /** Whether it is known who is signed in. */
  isKnown: () => boolean;
  /**
   * Whether this page is the same for everybody for now, so that the browser finds out who is here
   * afterwards.
   */
  isDeferred: () => boolean;
  /** Resolves when it is known who is signed in; rejects when the server could not be asked. */
  ready: () => Promise<State>;
  /** Keeps the reason of a failure for `error`, and passes it on. */
  attempt: <T>(action: () => Promise<T>) => Promise<T>;
}

/** What differs between the browser and the server. */
export type Platform = Pick<ClientOptions<AdytonUser>, "fetch" | "storage"> & Pick<Adyton, "isDeferred">;

const apps = new WeakMap<object, Adyton>();

export const UNKNOWN: State = {
  status: "loading",
  user: null,
  guard: null,
  abilities: [],
  expiresAt: null,
  session: null,
  reason: null,
};

export function useAdyton(): Adyton {
  const adyton = apps.get(useNuxtApp());
  if (!adyton)
    throw new Error("@adyton/nuxt: its plugin has not run yet; let your plugin depend on `adyton`");
  return adyton;
}

/** What `useRuntimeConfig()` has for the browser. */
export function usePublicOptions(): PublicOptions {
  return useRuntimeConfig().public.adyton as PublicOptions;
}

/** The state as the page was rendered with, or as it becomes known here. */
export function useSessionState(): Ref<State> {
  return useState<State>("adyton", () => ({ ...UNKNOWN }));
}

/** Gives this Nuxt app its client. Called by the plugins, once. */
export function install(nuxtApp: NuxtApp, platform: Platform): Adyton {
  const options = usePublicOptions();
  const state = useSessionState();
  const error = shallowRef<AuthError | null>(null);
  const client = createClient<AdytonUser>({
    baseUrl: useRuntimeConfig().app.baseURL.replace(/\/$/, "") + options.basePath,
    mode: options.clientMode,
    tokenHeader: options.tokenHeader,
    prefix: options.prefix,
    initial: state.value,
    fetch: platform.fetch,
    storage: platform.storage,
  });
  let asked: Promise<State> | undefined;
  const adyton: Adyton = {
    client,
    state,
    error,
    options,
    token: shallowRef(null),
    isHearsay: useState("adyton:hearsay", () => false),
    isKnown: () => state.value.status !== "loading" && !adyton.isHearsay.value,
    isDeferred: platform.isDeferred,
    async ready() {
      if (adyton.isKnown()) return state.value;
      // In the browser a failure is not the last word; within one rendered page it is.
      asked ??= client.restore();
      if (import.meta.client) asked.catch(() => (asked = undefined));
      return asked;
    },
    async attempt(action) {
      error.value = null;
      try {
        return await action();
      } catch (reason) {
        error.value = reason as AuthError;
        throw reason;
      }
    },
  };
  client.subscribe((next) => {
    state.value = next;
    adyton.isHearsay.value = false;
  });
  apps.set(nuxtApp, adyton);
  return adyton;
}
