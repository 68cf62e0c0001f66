// The endpoints for whatever stands on Node's own server: Express, Fastify, h3 and the like.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Auth } from "./auth.js";
import { answerOf, AuthError } from "./errors.js";
import type { RawResponse } from "./request.js";

/** Answers requests to the endpoints. Mount it where no parser has read the body before. */
export function nodeHandler(
  auth: Pick<Auth<unknown>, "handle" | "receive">,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    // The connection has to outlive a body that is too long or too slow, to be told so.
    const stream = request.iterator({ destroyOnReturn: false });
    let body;
    try {
      body = await auth.receive(stream, request.headers["content-length"]);
    } catch (error) {
      if (error instanceof AuthError) send(answerOf(error), request, response);
      else response.destroy();
      return;
    }
    send(await auth.handle({ ...head(request), body }), request, response);
  };
}

/** Routers cut off of the URL what they have matched, and keep the whole of it. */
function head(request: IncomingMessage & { originalUrl?: string }) {
  const { method, url, originalUrl, headers, rawHeaders, socket } = request;
  return { method, url: originalUrl ?? url, headers, rawHeaders, socket };
}

function send(answer: RawResponse, request: IncomingMessage, response: ServerResponse): void {
  response.statusCode = answer.status;
  for (let at = 0; at + 1 < answer.headers.length; at += 2) {
    const [name, value] = [answer.headers[at]!, answer.headers[at + 1]!];
    // These are lists, to which the host may have added; of the others ours count.
    if (name === "set-cookie" || name === "vary") response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  // Nobody reads the rest of a body that is too long or too slow.
  if (!request.complete) response.setHeader("connection", "close");
  response.end(answer.body);
}
