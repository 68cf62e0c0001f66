// A running `adyton serve`. The browser talks to this app, and this app to the server, as a reverse proxy
// would: it passes on what the endpoints read, and says whom it was called by. The server must count this
// host among its `trusted_proxies`, and its `public_url` must be the address of the app.
//
// Nobody is remembered here: a credential that was revoked a moment ago does not work.

import type { AdytonUser } from "../../types";
import type { Problem, Backend, Principal, RawRequest, RawResponse, ServerOptions } from "../types";
import { pairs } from "../flat";
import { answerTo, publicUrlMissing, refusalOf, unavailable } from "../refusal";
import { withoutPlaces } from "../deployment";
import { ownHosts, wantsCookie, withoutCookies } from "./own-host";

/** A slow server is one that does not answer: pages wait for it. */
const PATIENCE = 10_000;

/**
 * Everything that the endpoints read. What says who calls (`Forwarded`, `X-Forwarded-*`) is written here
 * anew.
 */
const PASSED = words(`
  accept accept-language access-control-request-headers access-control-request-method authorization
  content-encoding content-type cookie origin sec-fetch-dest sec-fetch-mode sec-fetch-site
  sec-fetch-user traceparent user-agent x-device-id x-request-id x-xsrf-token
`);

/** RFC 9110, 7.6.1; and what `fetch` has undone. */
const OWN = words(`
  connection content-encoding content-length keep-alive proxy-authenticate set-cookie te trailer
  transfer-encoding upgrade
`);

export function openBackend(config: Record<string, unknown>, options: ServerOptions): Backend {
  const { baseUrl } = withoutPlaces(config) as { baseUrl?: string };
  if (!baseUrl) throw new Error("adyton.baseUrl: say where `adyton serve` runs, with NUXT_ADYTON_BASE_URL");
  const origin = baseUrl.replace(/\/+$/, "");
  const passed = new Set([...PASSED, options.tokenHeader.toLowerCase()]);

  async function ask(request: RawRequest, url: string, more: Record<string, string> = {}): Promise<Response> {
    const headers = passedOn(request, passed);
    for (const [name, value] of Object.entries(more)) headers.set(name, value);
    const { method, body } = request;
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      return await fetch(origin + url, {
        method,
        headers,
        body: body as BodyInit | null,
        redirect: "manual",
        signal,
      });
    } catch (cause) {
      throw unavailable("the authentication server does not answer; try again", cause);
    }
  }

  /**
   * Asks an endpoint about a request. Whatever is no answer of Adyton's is an outage: neither a refusal nor a
   * yes.
   */
  async function about(
    request: RawRequest,
    path: string,
    more?: Record<string, string>,
  ): Promise<[Headers, string]> {
    const response = await ask({ ...request, body: null }, options.basePath + path, more);
    const text = await response.text().catch((cause: unknown) => {
      throw unavailable(BROKEN_OFF, cause);
    });
    const problem = response.ok ? null : problemIn(response, text);
    if (problem) throw refusalOf(problem, challenges(response));
    if (!response.ok) throw unavailable(`the authentication server answers ${response.status}`);
    return [response.headers, text];
  }

  /** Whether this method may be used with this credential: that is the CSRF check. */
  async function verify(request: RawRequest, method: string): Promise<void> {
    const [headers] = await about(speakable(request), "/verify", { "x-forwarded-method": method });
    if (!headers.has("x-auth-user-id")) throw unavailable("what answers is no authentication server");
  }

  async function current(request: RawRequest): Promise<Current> {
    const [, text] = await about({ ...request, method: "GET" }, "/session");
    const answer = parsed(text) as Partial<Current> | undefined;
    if (answer?.user === undefined) throw unavailable("what answers is no authentication server");
    return answer as Current;
  }

  /** The document names the public URL, if there is one. */
  async function hasPublicUrl(): Promise<boolean> {
    const [, text] = await about({ method: "GET", url: "", headers: [] }, "/openapi.json");
    const { servers } = (parsed(text) ?? {}) as { servers?: { url?: unknown }[] };
    const url = servers?.[0]?.url;
    if (typeof url !== "string") throw unavailable("what answers is no authentication server");
    return /^https?:/.test(url);
  }

  const cookiesCount = ownHosts(hasPublicUrl);
  const wantsTokens = config.sessionGuard === "token";

  return {
    async handle(request) {
      const isOwn = await cookiesCount(request);
      if (!isOwn && !wantsTokens && wantsCookie(request, options.basePath)) return answerTo(publicUrlMissing());
      const response = await ask(isOwn ? request : withoutCookies(request), request.url);
      return answered(response, isOwn).catch((cause: unknown) => {
        throw unavailable(BROKEN_OFF, cause);
      });
    },
    async authenticate(sent) {
      const request = (await cookiesCount(sent)) ? sent : withoutCookies(sent);
      const isSafe = /^(?:GET|HEAD|OPTIONS)$/.test(request.method);
      if (!isSafe) await verify(request, request.method);
      const found = await current(request);
      if (found.user) return principalOf(found.user, found);
      // The words of a refusal are those of `/verify`.
      if (found.reason) await verify({ ...request, method: "GET" }, "GET");
      return null;
    },
    close: () => Promise.resolve(),
  };
}

const BROKEN_OFF = "the authentication server broke off its answer";

type Current = Omit<Principal, "can" | "user"> & { user: AdytonUser | null; reason?: string };

function principalOf(user: AdytonUser, current: Current): Principal {
  const { guard, abilities, expiresAt, session } = current;
  const can = (ability: string) => abilities.includes("*") || abilities.includes(ability);
  return { user, guard, abilities, expiresAt, session: session ?? null, tokenId: null, can };
}

/** `fetch` sends no request with these methods; what is unsafe of them is told in the header. */
function speakable(request: RawRequest): RawRequest {
  return /^(?:CONNECT|TRACE|TRACK)$/.test(request.method) ? { ...request, method: "POST" } : request;
}

function passedOn({ headers: raw, clientAddress }: RawRequest, passed: ReadonlySet<string>): Headers {
  const headers = new Headers();
  const chain: string[] = [];
  let scheme = "";
  for (const [mixed, value] of pairs(raw)) {
    const name = mixed.toLowerCase();
    if (name === "x-forwarded-for") chain.push(value);
    else if (name === "x-forwarded-proto") scheme = value;
    else if (name === "cookie" && headers.has(name))
      headers.set(name, `${headers.get(name) ?? ""}; ${value}`);
    else if (passed.has(name)) headers.append(name, value);
  }
  // What the client said stays to the left of what is known.
  if (clientAddress) headers.set("x-forwarded-for", [...chain, clientAddress].join(", "));
  if (scheme) headers.set("x-forwarded-proto", scheme);
  return headers;
}

async function answered(response: Response, isOwn: boolean): Promise<RawResponse> {
  const headers: string[] = [];
  response.headers.forEach((value, name) => {
    if (!OWN.has(name)) headers.push(name, value);
  });
  if (isOwn) for (const cookie of response.headers.getSetCookie()) headers.push("set-cookie", cookie);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers, body: bytes.length > 0 ? bytes : null };
}

function problemIn(response: Response, text: string): Problem | null {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) return null;
  const problem = parsed(text) as Partial<Problem> | null | undefined;
  return typeof problem?.code === "string" && problem.status === response.status
    ? (problem as Problem)
    : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function challenges(response: Response): string[] {
  const names = [
    "www-authenticate",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
  ];
  return names.flatMap((name) =>
    [[name, response.headers.get(name)]].filter(([, value]) => value !== null).flat(),
  ) as string[];
}

function words(text: string): Set<string> {
  return new Set(text.trim().split(/\s+/));
}
