// Which pages who may see. This guards what people look at; what the server gives away is guarded by the server.

import { abortNavigation, createError, defineNuxtRouteMiddleware, navigateTo, type RouteMiddleware, useNuxtApp } from "nuxt/app";
import type { RouteLocationNormalized } from "vue-router";
import type { PageRules, State } from "../types";
import { missing } from "./abilities";
import { type Adyton, useAdyton } from "./adyton";
import { afterSignIn, toSignIn } from "./redirect";

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
  // A page that the server rendered for everybody is shown as it is; what it means for this visitor is decided after.
  if (adyton.state.value.status === "loading" && adyton.isDeferred()) return;
  const state = await adyton.ready().catch(unreachable);
  return nuxtApp.runWithContext(() => judge(to, rules, state, adyton));
}

/** What a page asks for, by its `auth` and its middleware; null if it is open to all. */
export function rulesFor(to: RouteLocationNormalized): PageRules[] {
  const middleware = [to.meta.middleware ?? []].flat();
  return middleware.flatMap((entry) => (typeof entry === "function" ? rulesOf.get(entry) ?? [] : []));
}

function judge(to: RouteLocationNormalized, rules: PageRules, state: State, { options: { redirects } }: Adyton) {
  if (rules.guestOnly) {
    if (state.status !== "authenticated") return;
    const home = rules.redirectTo ?? afterSignIn(to, redirects);
    return home === false || home === to.path ? undefined : navigateTo(home, { replace: true });
  }
  if (state.status !== "authenticated") {
    const login = rules.redirectTo ?? redirects.login;
    return login === false ? refuse(401, "Sign in to see this page.") : navigateTo(toSignIn(login, to.fullPath));
  }
  const lacking = missing(state.abilities, [rules.abilities ?? []].flat());
  if (lacking.length === 0) return;
  return rules.redirectTo ? navigateTo(rules.redirectTo) : refuse(403, `This page needs: ${lacking.join(", ")}.`);
}

function refuse(status: number, message: string) {
  return abortNavigation(createError({ statusCode: status, statusMessage: message, message, fatal: true }));
}

/** Nobody is sent to sign in because a server does not answer. */
function unreachable(): never {
  throw createError({ statusCode: 503, message: "The server cannot say who you are right now. Try again.", fatal: true });
}
