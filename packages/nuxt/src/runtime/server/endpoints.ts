// Which requests are for the endpoints of authentication. What else an app has below the same path stays the
// app's: nuxt-token-authentication tells people to put a route of theirs at `/api/auth/getToken`.

import type { ServerOptions } from "./types";

/**
 * The paths of openapi.json; a test holds them together. Ids are plain: what a URL resolves, such as `..` and
 * `\`, would lead elsewhere on the server that is asked.
 */
export const ENDPOINTS =
  /^\/(?:register|login|refresh|logout|user|user\/password|session|csrf-cookie|sessions|sessions\/[\w-]+|tokens|tokens\/[\w-]+|verify|openapi\.json)$/;

/** What `compat.sanctum` serves besides, where clients of Laravel look for it. */
const SANCTUM = new Set([
  "GET /sanctum/csrf-cookie",
  "POST /login",
  "POST /logout",
  "POST /register",
  "GET /api/user",
]);

/** `path` as it stands in the request, without a query: the engine decodes nothing either. */
export function isEndpoint(method: string, path: string, { basePath, sanctum }: ServerOptions): boolean {
  if (path.startsWith(`${basePath}/`) && ENDPOINTS.test(path.slice(basePath.length))) return true;
  return sanctum && SANCTUM.has(`${method} ${path}`);
}
