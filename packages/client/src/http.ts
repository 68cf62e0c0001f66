// Requests: where they go, whether that place may see credentials, and what becomes of the answer. Which credentials
// those are, the modes know.

import { ApiError, NetworkError, problemIn } from "./errors.js";
import { inBrowser } from "./tabs.js";

/** A request about to be sent. What is judged here is what is sent: the address is not read a second time. */
export interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly init: RequestInit;
  /** Whether it leaves the page's own origin for that of the API. */
  readonly toOtherOrigin: boolean;
  readonly request: Request | null;
}

/** The two origins that may see credentials: the page's own, and that of the endpoints. */
export interface Places {
  /** The request to one of them; null where it goes anywhere else. */
  readonly outgoing: (input: RequestInfo | URL, init: RequestInit) => Outgoing | null;
  readonly endpoint: (path: string, init: RequestInit) => Outgoing;
}

/** Stands for the own origin where there is no page: a relative address on a server means the app itself. */
const NOWHERE = "http://own.invalid";

export function placesOf(baseUrl: string): Places {
  const base = inBrowser() ? document.baseURI : NOWHERE;
  const own = inBrowser() ? location.origin : NOWHERE;
  const endpoints = new URL(baseUrl.replace(/\/*$/, "/"), base);
  if (!isHttp(endpoints)) throw new TypeError(`baseUrl must lead to http or https, not to ${endpoints.protocol}`);
  const make = (url: URL, init: RequestInit, request: Request | null): Outgoing => ({
    url: url.origin === NOWHERE ? url.pathname + url.search : url.href,
    method: (init.method ?? request?.method ?? "GET").toUpperCase(),
    headers: new Headers(init.headers ?? request?.headers),
    init: { ...init },
    toOtherOrigin: url.origin !== own,
    request,
  });
  return {
    outgoing(input, init) {
      const request = input instanceof Request ? input : null;
      const url = parse(input instanceof Request ? input.url : input, base);
      const near = url && isHttp(url) && (url.origin === own || url.origin === endpoints.origin);
      return near ? make(url, init, request) : null;
    },
    endpoint: (path, init) => make(new URL(endpoints.href + path.slice(1)), init, null),
  };
}

function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:";
}

function parse(address: string | URL, base: string): URL | null {
  try {
    return new URL(address, base);
  } catch {
    return null; // `fetch` says what is wrong with it.
  }
}

/** Makes the body one that can be sent twice. A `Request` is cloned for each sending instead. */
export async function buffered(outgoing: Outgoing): Promise<void> {
  const { init } = outgoing;
  if (init.body instanceof ReadableStream) init.body = await new Response(init.body).arrayBuffer();
}

export function send(fetcher: typeof fetch, outgoing: Outgoing): Promise<Response> {
  const { url, request, init, headers } = outgoing;
  return fetcher(request ? request.clone() : url, { ...init, headers });
}

/** The JSON of an answer of our own endpoints; undefined for none. */
export async function answerOf(sending: Promise<Response>): Promise<unknown> {
  const [response, text] = await received(sending);
  const body = parsed(text);
  if (!response.ok) throw new ApiError(response, problemIn(body));
  // A page where an answer should be: that is the start page of an app, at a wrong address.
  if (text && body === undefined) throw new ApiError(response, { message: "no JSON came: is baseUrl right?" });
  return body;
}

async function received(sending: Promise<Response>): Promise<[Response, string]> {
  try {
    const response = await sending;
    return [response, await response.text()];
  } catch (error) {
    throw error instanceof ApiError || error instanceof NetworkError ? error : new NetworkError(error);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a 401 says that the credential is none, or none any more. Behind a proxy only the header may be ours. */
export async function isLost(response: Response): Promise<boolean> {
  const { code } = problemIn(parsed(await response.clone().text().catch(() => "")));
  return code ? LOST.has(code) : /^Bearer\b/i.test(response.headers.get("www-authenticate") ?? "");
}

/** What a refresh is refused with when the session is over. `device_mismatch` is not among them: it goes on. */
export const FINAL: ReadonlySet<string> = new Set([
  "token_invalid",
  "token_expired",
  "session_expired",
  "session_revoked",
  "refresh_token_reused",
]);

const LOST: ReadonlySet<string> = new Set([...FINAL, "unauthenticated"]);
