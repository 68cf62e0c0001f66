// WebSockets reach their handlers past everything that sees requests, so they have a guard of their own. It asks for
// a credential when the connection begins; how long it lasts then is for the handler to say.

import { accessRules } from "./access";
import { pairs, withoutQuery } from "./flat";
import { answerTo, isRefusal, unauthenticated, unavailable } from "./refusal";
import type { Backend, ServerOptions } from "./types";

interface Upgrade {
  url: string;
  headers: Headers;
  /** What Nitro keeps of Node's request. */
  _req?: { socket?: { remoteAddress?: string } };
}

/** The hook that Nitro calls before those of any handler. Throws the answer to who may not connect. */
export function createSocketGuard(backend: Backend, { noAuthRoutes }: ServerOptions, from: string) {
  const needsCredential = accessRules(noAuthRoutes);
  return async ({ url, headers, _req: request }: Upgrade): Promise<void> => {
    const target = url.replace(/^\w+:\/\/[^/]*/, "").slice(from.length);
    // Nitro looks for the handler of the path as it was sent; should it ever decode it, this holds too.
    const sent = withoutQuery(target);
    if (![sent, decoded(sent)].some((path) => needsCredential("GET", target, path))) return;
    const clientAddress = request?.socket?.remoteAddress;
    // A page of another site may open a socket with this visitor's cookies: that is checked like a change.
    const raw = { method: "POST", url: target, headers: [...headers].flat() };
    try {
      const principal = await backend.authenticate({ ...raw, ...(clientAddress && { clientAddress }) });
      if (!principal) throw unauthenticated();
    } catch (error) {
      const refusal = isRefusal(error)
        ? error
        : unavailable("the credential cannot be checked; try again", error);
      const answer = answerTo(refusal);
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- so Nitro is told to answer with it
      throw new Response(answer.body as BodyInit, { status: answer.status, headers: pairs(answer.headers) });
    }
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
