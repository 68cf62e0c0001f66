// The browser's side: starts from what the page was rendered with, asks the server only where that says
// nothing, and reacts to sessions that end.

import { cookieStorage } from "@adyton/client";
import { type NuxtApp, defineNuxtPlugin, navigateTo, showError, useRouter } from "nuxt/app";
import { watch } from "vue";
import { type Adyton, install } from "../utils/adyton";
import { errorOf, rulesOfMiddleware } from "../utils/authMiddleware";
import { lead } from "../utils/through";
import { judge, pageRules } from "../utils/verdict";

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
    lead((input, init) => adyton.client.fetch(input, init));
    const showToken = () => (adyton.token.value = tokenOf(storage.get()));
    nuxtApp.hook("app:mounted", () => {
      // Not before: what the server has rendered knows no token, and no user where the page is a public one.
      showToken();
      watch(adyton.state, showToken);
      void adyton.attempt(() => adyton.ready()).catch(() => undefined);
      lookAgain(nuxtApp, adyton);
    });
    return { provide: { adyton: adyton.client } };
  },
});

function tokenOf(tokens: unknown): string | null {
  return (tokens as { token?: string } | null)?.token ?? null;
}

/**
 * What middleware could not know: who came to a page that is the same for all, or whose session ended on it.
 */
function lookAgain(nuxtApp: NuxtApp, { state, options }: Adyton) {
  const router = useRouter();
  watch(
    () => state.value.status,
    (_now, before) => {
      // Who signs in goes where `login()` leads.
      if (before === "guest") return;
      const route = router.currentRoute.value;
      const rules = [pageRules(route, options) ?? [], rulesOfMiddleware(route)].flat();
      const verdict = rules
        .map((rule) => judge(route, rule, state.value, options.redirects))
        .find((found) => found !== null);
      if (!verdict) return;
      void nuxtApp.runWithContext(() =>
        "goTo" in verdict ? navigateTo(verdict.goTo) : showError(errorOf(verdict)),
      );
    },
  );
}
