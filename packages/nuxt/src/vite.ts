// What Vite must not give away. While an app is developed it serves every file of the project, so also the database with
// its hashes, to whoever reaches it; with `--host` that is the neighbourhood.

import { addVitePlugin } from "@nuxt/kit";
import type { IncomingMessage, ServerResponse } from "node:http";
import { basename } from "node:path";

/** Keeps the file of a database, and those that SQLite puts beside it, out of the development server. */
export function hideDatabase(path: string): void {
  const middleware = refuseFile(basename(path));
  addVitePlugin({ name: "adyton:database", apply: "serve", configureServer: ({ middlewares }) => void middlewares.use(middleware) });
}

export function refuseFile(name: string) {
  const wanted = name.toLowerCase();
  return ({ url = "" }: Pick<IncomingMessage, "url">, response: Pick<ServerResponse, "writeHead">, next: () => void): void => {
    if (decoded(url).toLowerCase().includes(wanted)) response.writeHead(403).end();
    else next();
  };
}

/** Decoded as often as anything behind might. */
function decoded(url: string): string {
  try {
    const once = decodeURIComponent(url);
    return once === url ? url : decoded(once);
  } catch {
    return url;
  }
}
