// The browser's side: starts from what the page was rendered with, asks the server only where that says nothing, and
// reacts to sessions that end.

import { cookieStorage } from "@adyton/client";
import { type NuxtApp, defineNuxtPlugin, navigateTo, useRouter } from "nuxt/app";
import type { $Fetch } from "ofetch";
import { watch } from "vue";
import { pageRules } from "../middleware/page.global";
import { type Adyton, install } from "../utils/adyton";
import { rulesFor } from "../utils/authMiddleware";
import { toSignIn } from "../utils/redirect";

export default defineNuxtPlugin({
  name: "adyton",
  enforce: "pre",
  setup(nuxtApp) {
    const storage = cookieStorage();
    const isRendered = nuxtApp.payload.serverRendered === true;
    const adyton = install(nuxtApp, {
      storage,
      isDeferred: () => isRendered && nuxtApp.isHydrating === true,
    });
    // So that `useFetch` and `$fetch` sign requests to the app's own routes, and hear of sessions that ended.
    globalThis.$fetch = (globalThis.$fetch as $Fetch).create({}, { fetch: adyton.client.fetch }) as typeof globalThis.$fetch;
    const showToken = () => (adyton.token.value = tokenOf(storage.get()));
    nuxtApp.hook("app:mounted", () => {
      // Not before: what the server has rendered knows no token, and no user where the page is a public one.
      showToken();
      watch(adyton.state, showToken);
      if (adyton.state.value.status === "loading") void adyton.ready().catch(() => undefined);
      leaveWhenSignedOut(nuxtApp, adyton);
    });
  },
});

function tokenOf(tokens: unknown): string | null {
  return (tokens as { token?: string } | null)?.token ?? null;
}

/** A session that ended while its page was open: what needs a sign-in leads to it, and back. */
function leaveWhenSignedOut(nuxtApp: NuxtApp, { state, options }: Adyton) {
  const router = useRouter();
  const isOver = (now: string, before: string) => now === "guest" && before !== "guest";
  watch(() => state.value.status, (now, before) => {
    const route = router.currentRoute.value;
    const rules = [pageRules(route, options) ?? [], rulesFor(route)].flat();
    const login = rules.find((rule) => !rule.guestOnly)?.redirectTo ?? options.redirects.login;
    if (!isOver(now, before) || login === false || rules.every((rule) => rule.guestOnly)) return;
    void nuxtApp.runWithContext(() => navigateTo(toSignIn(login, route.fullPath)));
  });
}
