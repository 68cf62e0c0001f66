// Which pages who may see. This guards what people look at; what the server gives away is guarded by the server.

import { abortNavigation, createError, defineNuxtRouteMiddleware, navigateTo, type RouteMiddleware, useNuxtApp } from "nuxt/app";
import type { RouteLocationNormalized, RouteLocationRaw } from "vue-router";
import type { PageRules, Redirects, State } from "../types";
import { missing } from "./abilities";
import { useAdyton } from "./adyton";
import { afterSignIn, toSignIn } from "./redirect";

/** What becomes of a navigation: it goes elsewhere, or is refused; null lets it pass. */
export type Verdict = { goTo: RouteLocationRaw } | { status: 401 | 403; message: string } | null;

type Destination = Pick<RouteLocationNormalized, "path" | "fullPath" | "query">;

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
  // A page that is the same for everybody is shown as it is; what it means for this visitor is decided afterwards.
  if (!adyton.isKnown() && adyton.isDeferred()) return;
  const state = await adyton.ready().catch(unreachable);
  const verdict = judge(to, rules, state, adyton.options.redirects);
  if (verdict === null) return;
  return nuxtApp.runWithContext(() => ("goTo" in verdict ? navigateTo(verdict.goTo) : abortNavigation(errorOf(verdict))));
}

/** The rules of `authMiddleware` that stand in the `middleware` of a page. */
export function rulesOfMiddleware(to: RouteLocationNormalized): PageRules[] {
  const middleware = [to.meta.middleware ?? []].flat();
  return middleware.flatMap((entry) => (typeof entry === "function" ? rulesOf.get(entry) ?? [] : []));
}

export function judge(to: Destination, rules: PageRules, state: State, redirects: Redirects): Verdict {
  const isSignedIn = state.status === "authenticated";
  if (rules.guestOnly) {
    const home = isSignedIn ? rules.redirectTo ?? afterSignIn(to, redirects) : false;
    return home === false || home === to.path ? null : { goTo: home };
  }
  if (!isSignedIn) {
    const login = rules.redirectTo ?? redirects.login;
    return login === false ? { status: 401, message: "Sign in to see this page." } : { goTo: toSignIn(login, to.fullPath) };
  }
  const lacking = missing(state.abilities, [rules.abilities ?? []].flat());
  if (lacking.length === 0) return null;
  return rules.redirectTo ? { goTo: rules.redirectTo } : { status: 403, message: `This page needs: ${lacking.join(", ")}.` };
}

export function errorOf({ status, message }: { status: number; message: string }) {
  return createError({ statusCode: status, statusMessage: message, message, fatal: true });
}

/** Nobody is sent to sign in because a server does not answer. */
function unreachable(): never {
  throw errorOf({ status: 503, message: "Nobody can tell who you are right now. Try again." });
}
