// Requests: where they go, whether that place may see credentials, and what becomes of the answer. Which credentials
// those are, the modes know.

import { attempt, parsed } from "./attempt.js";
import { ApiError, NetworkError, problemIn } from "./errors.js";
import { inBrowser } from "./tabs.js";

/** A request about to be sent. What is judged here is what is sent: the address is not read a second time. */
export interface Outgoing {
  /** The address, or a request that is cloned for each sending. */
  readonly target: string | Request;
  readonly method: string;
  readonly headers: Headers;
  readonly init: RequestInit;
  /** Whether it leaves the page's own origin for that of the endpoints. */
  readonly abroad: boolean;
}

/** Stands for the own origin where there is no page: a relative address on a server means the app itself. */
const NOWHERE = "http://x.invalid";

/**
 * The request to one of the two origins that may see credentials, the page's own and that of the endpoints; null where
 * it goes anywhere else.
 */
export type Judge = (input: RequestInfo | URL, init: RequestInit) => Outgoing | null;

/** Where the endpoints are, and who judges addresses. A `<base>` in the page moves the app's own, but not the endpoints. */
export function placesOf(baseUrl: string): [string, Judge] {
  const [page, base] = inBrowser() ? [location.href, document.baseURI] : [NOWHERE, NOWHERE];
  const endpoints = new URL(baseUrl, page);
  if (!isHttp(endpoints)) throw new TypeError(NO_ADYTON);
  const own = new URL(page).origin;
  const judge: Judge = (input, init) => {
    const request = input instanceof Request ? input : null;
    // `fetch` says what is wrong with one that is none.
    const url = attempt(() => new URL(input instanceof Request ? input.url : input, base));
    if (!url || !isHttp(url) || (url.origin !== own && url.origin !== endpoints.origin)) return null;
    return {
      target: request ?? (url.origin === NOWHERE ? url.pathname + url.search : url.href),
      method: init.method ?? request?.method ?? "GET",
      headers: new Headers(init.headers ?? request?.headers),
      init: { ...init },
      abroad: url.origin !== own,
    };
  };
  return [endpoints.href.replace(/\/*$/, ""), judge];
}

function isHttp({ protocol }: URL): boolean {
  return /^https?:$/.test(protocol);
}

/** A page instead of JSON is the start page of an app, at a wrong address. */
export const NO_ADYTON = "baseUrl leads to no Adyton server";

/** The JSON of an answer of our own endpoints; null for none. */
export async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text().catch(unanswered);
  const body = parsed(text);
  if (!response.ok) throw new ApiError(response, problemIn(body));
  if (text && body === null) throw new ApiError(response, { message: NO_ADYTON });
  return body;
}

export function unanswered(cause: unknown): never {
  throw new NetworkError(cause);
}

/** What a refresh is refused with when the session is over. `device_mismatch` is not among them: it goes on. */
export function isFinal(code: string): boolean {
  return /^(refresh_token|session|token)_(expired|invalid|reused|revoked)$/.test(code);
}

/** Whether a 401 says that the credential is none, or none any more. Behind a proxy only the header may be ours. */
export async function isLost(response: Response): Promise<boolean> {
  const { code } = problemIn(await response.clone().json().catch(() => null));
  if (code) return code === "unauthenticated" || isFinal(code);
  return /^bearer\b/i.test(response.headers.get("www-authenticate") ?? "");
}
