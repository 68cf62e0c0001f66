// Cookie mode: the browser keeps the session, where no script can read it. What is left to do is the CSRF token, and to
// ask the server when an answer says that the session may be over.

import { isLost } from "./http.js";
import type { Core, Mode } from "./mode.js";
import { readCookie } from "./storage.js";
import type { CurrentSession } from "./types.js";

const SAFE = /^(get|head|options)$/i;

export function cookieMode<U>({ store, call, restore }: Core<U>): Mode<U> {
  const nothing = Promise.resolve(null);
  return {
    // The session cookie goes along by itself, but to another origin only where that is asked for.
    sign({ method, headers, init, abroad }) {
      const token = SAFE.test(method) ? null : readCookie("XSRF-TOKEN");
      if (token && !headers.has("X-XSRF-TOKEN")) headers.set("X-XSRF-TOKEN", token);
      if (abroad) init.credentials ??= "include";
      return nothing;
    },
    // An answer of one route is no proof: `/session` has the last word, and a failure to reach it changes nothing.
    async recover(response) {
      if (store.state.user && (await isLost(response))) await restore().catch(() => undefined);
      return false;
    },
    current: () => call("GET", "/session", null, "nobody") as Promise<CurrentSession<U>>,
    refresh: restore,
    token: () => nothing,
    keep: () => nothing,
    leave: () => call("POST", "/logout", null, "nobody") as Promise<void>,
    wake: async () => Date.parse(store.state.expiresAt ?? "") <= Date.now() && restore(),
  };
}
