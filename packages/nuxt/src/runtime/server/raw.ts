// Requests and answers of Node without web classes: a `Request` made of one costs more than what is done with
// it.
//
// A request may also be one that Nitro makes to itself while it renders a page. Then the client is whoever
// asked for that page, and the body stands in `req.body`.

import type { H3Event } from "h3";
import { useRuntimeConfig } from "nitropack/runtime";
import { pairs } from "./flat";
import { address } from "./peer";
import { refusalOf } from "./refusal";
import type { RawRequest, RawResponse } from "./types";

/** One more byte than the engine takes (64 KiB): it is the one that refuses. */
const MOST = 64 * 1024 + 1;
/** How much more is thrown away, so that whoever sends it hears why it is refused. */
const PATIENCE = 1024 * 1024;

/** Seconds that a body may take, where no option says otherwise: in front of a server there is none. */
const WAIT = "10";
const UNITS: Record<string, number> = { m: 60, h: 3_600, d: 86_400, w: 604_800 };
/** The longest that a timer can wait, in milliseconds; what is longer would end at once. */
const LONGEST_WAIT = 2 ** 31 - 1;

interface NitroRequest {
  /** The context of the request that made Nitro call itself. */
  __unenv__?: object;
  body?: unknown;
  originalUrl?: string;
}

/** Everything but the body. `from` is cut off the front: the path under which the whole app is served. */
export function head(event: H3Event, from = ""): RawRequest {
  const { req } = event.node;
  const url = (req as NitroRequest).originalUrl ?? req.url ?? "/";
  const clientAddress = address(event);
  return {
    method: event.method,
    url: from && url.startsWith(from) ? url.slice(from.length) : url,
    headers: req.rawHeaders,
    ...(clientAddress !== undefined && { clientAddress }),
  };
}

/** The body as far as it counts; null for none. */
export async function body(event: H3Event): Promise<Uint8Array | string | null> {
  const { req } = event.node;
  const given = (req as NitroRequest).body;
  return "__unenv__" in req || given !== undefined ? internal(given) : received(event);
}

/**
 * What is left of a body that is too long or too slow must not be taken for the next request: the connection ends
 * with the answer.
 */
function received({ node: { req, res } }: H3Event): Promise<Uint8Array | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  let timer: ReturnType<typeof setTimeout>;
  const reading = new Promise<Uint8Array | null>((resolve, reject) => {
    timer = setTimeout(() => {
      res.setHeader("connection", "close");
      reject(tooSlow());
    }, longestWait());
    const done = () => resolve(size === 0 ? null : Buffer.concat(chunks).subarray(0, MOST));
    req.on("data", (chunk: Buffer) => {
      if (size < MOST) chunks.push(chunk);
      size += chunk.length;
      if (size < PATIENCE) return;
      req.pause();
      res.setHeader("connection", "close");
      done();
    });
    req
      .once("end", done)
      .once("error", reject)
      .once("close", () => reject(new Error("the request broke off")));
  });
  return reading.finally(() => clearTimeout(timer));
}

/** `server.bodyTimeout` in milliseconds. That it can be read, the engine has seen to. */
function longestWait(): number {
  const { server } = useRuntimeConfig().adyton as { server?: { bodyTimeout?: number | string } };
  const [, count = WAIT, unit = ""] = /^(\d+)([smhdw]?)$/.exec(String(server?.bodyTimeout)) ?? [];
  return Math.min(Number(count) * (UNITS[unit] ?? 1) * 1000, LONGEST_WAIT);
}

/** As the engine has it. */
function tooSlow(): Error {
  const detail = "the body did not arrive in time";
  const problem = { type: "about:blank", title: "Request Timeout", status: 408, detail, message: detail };
  return refusalOf({ ...problem, code: "request_timeout" }, []);
}

/** What `fetch` takes as a body, as bytes. */
async function internal(given: unknown): Promise<Uint8Array | string | null> {
  if (given === null || given === undefined) return null;
  if (typeof given === "string" || given instanceof Uint8Array) return given;
  const isPlain = Object.getPrototypeOf(given) === Object.prototype || Array.isArray(given);
  return isPlain
    ? JSON.stringify(given)
    : new Uint8Array(await new Response(given as BodyInit).arrayBuffer());
}

/** Sends an answer. */
export function send(event: H3Event, { status, headers, body }: RawResponse): void {
  const { res } = event.node;
  res.statusCode = status;
  for (const [name, value] of pairs(headers)) {
    if (/^set-cookie$/i.test(name)) res.appendHeader(name, value);
    else res.setHeader(name, value);
  }
  if (body === null || event.method === "HEAD") res.end();
  else res.end(body);
}
