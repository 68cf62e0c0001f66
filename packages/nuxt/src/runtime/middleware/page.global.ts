// What pages say of themselves with `auth` in `definePageMeta`, and what the option `globalMiddleware` says
// of all.

import { defineNuxtRouteMiddleware } from "nuxt/app";
import { usePublicOptions } from "../utils/adyton";
import { enforce } from "../utils/authMiddleware";
import { pageRules } from "../utils/verdict";

export default defineNuxtRouteMiddleware((to) => {
  const rules = pageRules(to, usePublicOptions());
  return rules ? enforce(to, rules) : undefined;
});
