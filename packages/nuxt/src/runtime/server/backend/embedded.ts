// The engine in this process.

import { type Auth, createAuth } from "@adyton/node";
import type { AdytonUser } from "../../types";
import { withoutPlaces } from "../deployment";
import { log, warn } from "../log";
import type { Backend, ServerOptions } from "../types";

/** Module options that the engine does not know. */
const OURS = ["mode", "baseUrl", "redirects", "globalMiddleware", "importPlaintextTokens"];

export function openBackend(config: Record<string, unknown>, options: ServerOptions): Backend {
  const engine = withoutPlaces(config);
  for (const key of OURS) Reflect.deleteProperty(engine, key);
  // What was imported works, too.
  if (options.importPlaintextTokens)
    engine.compat = { ...(engine.compat as object | undefined), importedTokens: true };
  const auth = createAuth<AdytonUser>(engine);
  tell(auth.databasePath, engine);
  const imported = options.importPlaintextTokens ? importTokens(auth) : null;
  return {
    handle: (request) => (imported ? imported.then(() => auth.handle(request)) : auth.handle(request)),
    authenticate: (request) =>
      imported ? imported.then(() => auth.authenticate(request)) : auth.authenticate(request),
    close: () => auth.close(),
  };
}

/**
 * Tokens of nuxt-token-authentication stand in plain text; whoever presents one waits until they are read.
 */
async function importTokens(auth: Auth<AdytonUser>): Promise<void> {
  const { imported, malformed, duplicates } = await auth.api.importPlaintextTokens();
  if (imported > 0) log(`imported ${imported} tokens; only their hashes are kept`);
  if (malformed.length > 0) warn(`left alone what is no token, of the users ${malformed.join(", ")}`);
  if (duplicates.length > 0) warn(`erased tokens that two users had, of the users ${duplicates.join(", ")}`);
}

function tell(path: string | null, engine: Record<string, unknown>): void {
  if (path !== null)
    log(`users and sessions are in ${path}${import.meta.dev ? " (keep it out of git)" : ""}`);
  const server = engine.server as { publicUrl?: string } | undefined;
  if (!import.meta.dev && !server?.publicUrl && engine.sessionGuard !== "token") {
    warn(
      "cookies work on localhost only: set NUXT_ADYTON_SERVER_PUBLIC_URL (or adyton.server.publicUrl) to the address " +
        "that people see, such as https://app.example.com",
    );
  }
}
