// Who is signed in, found out while the page is rendered: in the same process, and only for visitors who
// present something. What the answer sets as cookies goes out with the page. Tokens never enter the payload.

import { defineNuxtPlugin, useRequestEvent } from "nuxt/app";
import { install, UNKNOWN, useSessionState } from "../utils/adyton";
import { bridgeOf, serverFetch } from "../utils/bridge.server";
import { sendTokens, serverStorage } from "../utils/tokens.server";

export default defineNuxtPlugin({
  name: "adyton",
  enforce: "pre",
  async setup(nuxtApp) {
    const event = useRequestEvent(nuxtApp);
    if (!event) throw new Error("@adyton/nuxt: a page is rendered for no request");
    const bridge = bridgeOf(event);
    const state = useSessionState();
    if (!bridge.isPublic && !bridge.hasCredential) state.value = { ...UNKNOWN, status: "guest" };
    const adyton = install(nuxtApp, {
      fetch: serverFetch(event, bridge),
      storage: serverStorage(event, bridge.isSecure),
      isDeferred: () => bridge.isPublic,
    });
    if (adyton.options.clientMode === "token") sendTokens(event, adyton.client, adyton.options);
    // Whoever gets a user into a page, now or later in its rendering, makes it a personal one.
    adyton.client.subscribe((next) => next.user && bridge.markPersonal(event));
    // A page may say late that caches may keep it. A guest's then goes to people who are signed in too: they
    // ask anew.
    nuxtApp.hook("app:rendered", () => {
      adyton.isHearsay.value = state.value.status === "guest" && bridge.isForCaches(event);
    });
    // An unreachable server leaves it open who is here; pages that need to know answer 503 (authMiddleware). The browser
    // asks again, and has an `error` then: one from here would not come along, and the two would render differently.
    if (!bridge.isPublic && bridge.hasCredential) await adyton.ready().catch(() => undefined);
    return { provide: { adyton: adyton.client } };
  },
});
