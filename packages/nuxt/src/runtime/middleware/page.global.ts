// What pages say of themselves with `auth` in `definePageMeta`, and what the option `globalMiddleware` says of all.

import { defineNuxtRouteMiddleware } from "nuxt/app";
import type { RouteLocationNormalized } from "vue-router";
import type { PageRules, PublicOptions } from "../types";
import { usePublicOptions } from "../utils/adyton";
import { enforce } from "../utils/authMiddleware";

export default defineNuxtRouteMiddleware((to) => {
  const rules = pageRules(to, usePublicOptions());
  return rules ? enforce(to, rules) : undefined;
});

/** Null for a page that is open to all. */
export function pageRules(to: RouteLocationNormalized, options: PublicOptions): PageRules | null {
  const { auth } = to.meta;
  if (auth === "guest") return { guestOnly: true };
  if (auth === true) return {};
  if (auth !== undefined) return auth === false ? null : auth;
  // Nobody could sign in where the sign-in page asks for it; and a path that leads nowhere has no secrets.
  const isOpen = !options.globalMiddleware || to.path === options.redirects.login || to.matched.length === 0;
  return isOpen ? null : {};
}
