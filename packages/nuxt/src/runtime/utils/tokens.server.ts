// Token mode on the server: the tokens of the visitor stand in a cookie of this page, and requests to the
// app's own routes are sent with them.

import { type Client, cookieStorage, type TokenStorage } from "@adyton/client";
import { getCookie, type H3Event, setCookie } from "h3";
import type { AdytonUser, PublicOptions } from "../types";

export function serverStorage(event: H3Event, secure: boolean): TokenStorage {
  // What a request brought is old once this page has set it anew.
  let latest: string | null | undefined;
  return cookieStorage({
    secure,
    get: (name) => (latest === undefined ? getCookie(event, name) : latest),
    set(name, value, attributes) {
      latest = value;
      setCookie(event, name, value ?? "", attributes);
    },
  });
}

/**
 * `useFetch("/api/…")` while a page is rendered: Nuxt passes the cookies on by itself, and this the token.
 */
export function sendTokens(
  event: H3Event,
  client: Client<AdytonUser>,
  { tokenHeader, prefix }: PublicOptions,
): void {
  const signed = async (url: unknown, init: { headers?: HeadersInit } = {}) => {
    const headers = new Headers(init.headers);
    const isOwn = typeof url === "string" && url.startsWith("/") && !url.startsWith("//");
    const token = isOwn && !headers.has(tokenHeader) ? await client.token() : null;
    if (token) headers.set(tokenHeader, prefix ? `${prefix} ${token}` : token);
    return { ...init, headers: Object.fromEntries(headers) };
  };
  const { fetch, $fetch } = event;
  event.fetch = async (url, init) => fetch(url, await signed(url, init));
  event.$fetch = (async (url: string, init: object) => $fetch(url, await signed(url, init))) as typeof $fetch;
}
