// Which requests need a credential: all under `/api`, but for `noAuthRoutes`.

import { matches, parseRoute, requestPath } from "./routes";

/**
 * Whether a request needs one: by the path that the router will see, decoded, and the target as it was sent.
 * An exemption must hold for the latter, and both must be the same: else there is a trick in it.
 */
export type NeedsCredential = (method: string, sent: string, routed: string) => boolean;

export function accessRules(noAuthRoutes: readonly string[]): NeedsCredential {
  const exemptions = noAuthRoutes.map(parseRoute);

  function isExempt(method: string, sent: string, routed: string): boolean {
    const path = exemptions.length > 0 ? requestPath(sent) : null;
    if (path === null || `/${path.join("/")}` !== routed) return false;
    return exemptions.some((one) => matches(one, method, path));
  }

  return (method, sent, routed) => isGuarded(routed) && !isExempt(method, sent, routed);
}

function isGuarded(path: string): boolean {
  return path === "/api" || path.startsWith("/api/");
}
