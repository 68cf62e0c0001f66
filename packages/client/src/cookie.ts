// Cookie mode: the browser keeps the session, where no script can read it. What is left to do is the CSRF token, and to
// ask the server when an answer says that the session may be over.

import { isLost } from "./http.js";
import type { Outgoing } from "./http.js";
import type { Core, Mode } from "./mode.js";
import { readCookie } from "./storage.js";
import type { CurrentSession } from "./types.js";

const SAFE = /^(GET|HEAD|OPTIONS|TRACE)$/;

export function cookieMode<U>({ store, callAnonymously, restore }: Core<U>): Mode<U> {
  const nothing = () => Promise.resolve();
  return {
    guard: "session",
    introduce: addCookies,
    sign: (outgoing) => addCookies(outgoing).then(() => null),
    async recover(response) {
      // An answer of one route is no proof: `/session` has the last word, and a failure to reach it changes nothing.
      if (store.state.status === "authenticated" && (await isLost(response))) await restore().catch(() => undefined);
      return false;
    },
    current: () => callAnonymously("GET", "/session") as Promise<CurrentSession<U>>,
    refresh: restore,
    token: () => Promise.resolve(null),
    enter: nothing,
    leave: () => callAnonymously("POST", "/logout") as Promise<void>,
    forget: nothing,
    hear() {
      store.epoch++; // What was asked before the news is old.
      return restore();
    },
    wake: () => (ended(store.state.expiresAt) ? restore() : Promise.resolve()),
    close: () => undefined,
  };
}

/** The session cookie goes along by itself, but to another origin only where it is asked for. */
function addCookies({ method, headers, init, toOtherOrigin }: Outgoing): Promise<void> {
  const token = SAFE.test(method) ? null : readCookie("XSRF-TOKEN");
  if (token && !headers.has("x-xsrf-token")) headers.set("X-XSRF-TOKEN", token);
  if (toOtherOrigin) init.credentials ??= "include";
  return Promise.resolve();
}

function ended(expiresAt: string | null): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now();
}
