// Which pages who may see. This guards what people look at; what the server gives away is guarded by the
// server.

import {
  abortNavigation,
  createError,
  defineNuxtRouteMiddleware,
  navigateTo,
  type RouteMiddleware,
  useNuxtApp,
} from "nuxt/app";
import type { RouteLocationNormalized } from "vue-router";
import type { PageAuth, PageRules } from "../types";
import { useAdyton } from "./adyton";
import { judge } from "./verdict";

// Here and not in types.ts, which the server reads too, where there are no pages.
declare module "nuxt/app" {
  interface PageMeta {
    auth?: PageAuth;
  }
}
declare module "vue-router" {
  interface RouteMeta {
    auth?: PageAuth;
  }
}

const rulesOf = new WeakMap<object, PageRules>();

/** For `definePageMeta({ middleware: authMiddleware({ abilities: "orders:read" }) })`. */
export function authMiddleware(rules: PageRules = {}): RouteMiddleware {
  const middleware = defineNuxtRouteMiddleware((to) => enforce(to, rules));
  rulesOf.set(middleware, rules);
  return middleware;
}

/** Lets a navigation pass, sends it elsewhere, or refuses it. */
export async function enforce(to: RouteLocationNormalized, rules: PageRules) {
  const adyton = useAdyton();
  const nuxtApp = useNuxtApp();
  // A page that is the same for everybody is shown as it is; what it means for this visitor is decided
  // afterwards.
  if (!adyton.isKnown() && adyton.isDeferred()) return;
  const state = await adyton.ready().catch(unreachable);
  const verdict = judge(to, rules, state, adyton.options.redirects);
  if (verdict === null) return;
  return nuxtApp.runWithContext(() =>
    "goTo" in verdict ? navigateTo(verdict.goTo) : abortNavigation(errorOf(verdict)),
  );
}

/** The rules of `authMiddleware` that stand in the `middleware` of a page. */
export function rulesOfMiddleware(to: RouteLocationNormalized): PageRules[] {
  const middleware = [to.meta.middleware ?? []].flat();
  return middleware.flatMap((entry) => (typeof entry === "function" ? (rulesOf.get(entry) ?? []) : []));
}

export function errorOf({ status, message }: { status: number; message: string }) {
  return createError({ status, statusText: message, message, fatal: true });
}

/** Nobody is sent to sign in because a server does not answer. */
function unreachable(): never {
  throw errorOf({ status: 503, message: "Nobody can tell who you are right now. Try again." });
}
