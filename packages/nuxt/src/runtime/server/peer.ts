// Who is at the other end of a connection, for limits.

import { createError, type H3Event } from "h3";
import type { Server } from "node:net";

/** In the contexts of requests: one that Nitro makes to itself is made for the client of another. */
const ADDRESS = Symbol("address");

interface Context {
  [ADDRESS]?: string;
}

/**
 * The address of the connection. Which forwarded addresses count is the engine's to say
 * (`server.trustedProxies`).
 */
export function address(event: H3Event): string | undefined {
  const { req } = event.node;
  const outer = (req as { __unenv__?: Context }).__unenv__;
  const own = "__unenv__" in req ? outer?.[ADDRESS] : peerOf(req.socket);
  if (own) (event.context as Context)[ADDRESS] = own;
  return own;
}

/** What is used of Node's socket; `server` is the one that took the connection. */
export interface Connection {
  remoteAddress?: string | undefined;
  server?: Pick<Server, "address">;
}

/** Throws where the client is gone: nobody waits for the answer, and no limit could count it. */
export function peerOf({ remoteAddress, server }: Connection): string | undefined {
  if (remoteAddress !== undefined) return remoteAddress;
  const listens = server?.address();
  if (typeof listens === "object") throw createError({ statusCode: 400, message: "the connection is gone" });
  // Through a socket file somebody on this machine passes requests on.
  return typeof listens === "string" ? "127.0.0.1" : undefined;
}
