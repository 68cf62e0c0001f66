// Which page asks what of its visitors, and what becomes of who goes there. Only decisions; nobody is moved
// here.

import type { RouteLocationNormalized, RouteLocationRaw } from "vue-router";
import type { PageRules, PublicOptions, Redirects, State } from "../types";
import { missing } from "./abilities";
import { afterSignIn, toSignIn } from "./redirect";

/** What becomes of a navigation: it goes elsewhere, or is refused; null lets it pass. */
export type Verdict = { goTo: RouteLocationRaw } | { status: 401 | 403; message: string } | null;

type Destination = Pick<RouteLocationNormalized, "path" | "fullPath" | "query">;

export function judge(to: Destination, rules: PageRules, state: State, redirects: Redirects): Verdict {
  const isSignedIn = state.status === "authenticated";
  if (rules.guestOnly) {
    const home = isSignedIn ? (rules.redirectTo ?? afterSignIn(to, redirects)) : false;
    return home === false || home === to.path ? null : { goTo: home };
  }
  if (!isSignedIn) {
    const login = rules.redirectTo ?? redirects.login;
    return login === false
      ? { status: 401, message: "Sign in to see this page." }
      : { goTo: toSignIn(login, to.fullPath) };
  }
  const lacking = missing(state.abilities, [rules.abilities ?? []].flat());
  if (lacking.length === 0) return null;
  return rules.redirectTo
    ? { goTo: rules.redirectTo }
    : { status: 403, message: `This page needs: ${lacking.join(", ")}.` };
}

/** Null for a page that is open to all. */
export function pageRules(
  to: Pick<RouteLocationNormalized, "path" | "meta" | "matched">,
  options: PublicOptions,
): PageRules | null {
  const { auth } = to.meta;
  if (auth === "guest") return { guestOnly: true };
  if (auth === true) return {};
  if (auth !== undefined) return auth === false ? null : auth;
  // Nobody could sign in where the sign-in page asks for it; and a path that leads nowhere has no secrets.
  const isOpen = !options.globalMiddleware || to.path === options.redirects.login || to.matched.length === 0;
  return isOpen ? null : {};
}
