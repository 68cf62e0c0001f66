// Where people go: to sign in, and back to the page that they wanted. That page comes from the address bar,
// so anybody may have written it; only paths of this site are followed.

import type { RouteLocationNormalized } from "vue-router";
import type { Redirects } from "../types";

/**
 * A path of this site, or null. Browsers read `\` as `/`, and drop tabs and line ends: none of these may
 * stand there, nor any other blank, at which Nuxt fails.
 */
export function ownPath(wanted: unknown): string | null {
  if (typeof wanted !== "string" || !wanted.startsWith("/") || wanted.startsWith("//")) return null;
  return /[\\\s\u0000-\u0020\u007f]/.test(wanted) ? null : wanted;
}

/** Where a sign-in on this page leads. */
export function afterSignIn(
  route: Pick<RouteLocationNormalized, "query">,
  redirects: Redirects,
): string | false {
  return ownPath(route.query.redirect) ?? redirects.home;
}

/** The sign-in page, with the way back. */
export function toSignIn(login: string, wanted: string): { path: string; query?: { redirect: string } } {
  return wanted === "/" || wanted === login ? { path: login } : { path: login, query: { redirect: wanted } };
}
