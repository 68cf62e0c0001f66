// Requests on their way to the engine: their heads as one text, and no more of a body than counts.

import { clearTimeout, setTimeout } from "node:timers";

type HeaderRecord = Record<string, string | readonly string[] | undefined>;

/** A request but for its body, without web classes. Node's own `IncomingMessage` is one. */
export interface RequestHead {
  method?: string | undefined;
  /** The path with its query, or the whole URL. */
  url?: string | undefined;
  /** Web headers, an object, or names and values by turns. */
  headers: Headers | readonly string[] | HeaderRecord;
  /** Node's, which count instead: of a header that stands twice, `headers` has only the first. */
  rawHeaders?: readonly string[];
  /** The address of the connection, for limits; else it is the socket's. */
  clientAddress?: string | undefined;
  socket?: { remoteAddress?: string | undefined };
}

/** A request without web classes. */
export interface RawRequest extends RequestHead {
  body?: Uint8Array | string | null;
}

/** An answer without web classes. */
export interface RawResponse {
  status: number;
  /** Names and values by turns, so that each `set-cookie` survives. */
  headers: string[];
  body: Uint8Array | null;
}

/** What only the server knows of a web request. */
export interface RequestInfo {
  clientAddress?: string | undefined;
}

/** The longest body that counts. */
const LONGEST = 64 * 1024;

/** A head as the engine takes it: so many texts, a line each. */
export interface Head {
  text: string;
  texts: number;
}

/** The head of a request, with all of its headers or those that are wanted. */
export function head(
  request: RequestHead | Request,
  info?: RequestInfo,
  wanted: (name: string) => boolean = () => true,
): Head {
  const { method, url, headers, rawHeaders, clientAddress, socket } = request as RequestHead;
  const address = info?.clientAddress ?? clientAddress ?? socket?.remoteAddress ?? "";
  const lines = rawHeaders ?? flat(headers);
  let text = `${method ?? "GET"}\n${url ?? "/"}\n${address}`;
  let texts = 3;
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const name = unpseudo(lines[at]!);
    if (name === undefined || !wanted(name)) continue;
    text += `\n${name}\n${lines[at + 1]}`;
    texts += 2;
  }
  return { text, texts };
}

/** The header that a pseudo-header of HTTP/2 stands for, if any. Other names stand for themselves. */
function unpseudo(name: string): string | undefined {
  if (!name.startsWith(":")) return name;
  return name === ":authority" ? "host" : undefined;
}

/** Spellings of names that are remembered. Clients choose them, so that there must be an end. */
const MOST_SPELLINGS = 256;

/** Whether a header is one of these, however it is spelled. */
export function among(names: readonly string[]): (name: string) => boolean {
  const spellings = new Map<string, boolean>();
  return (name) => {
    let found = spellings.get(name);
    if (found === undefined) {
      found = names.includes(name.toLowerCase());
      if (spellings.size < MOST_SPELLINGS) spellings.set(name, found);
    }
    return found;
  };
}

/** Names and values by turns. */
function flat(headers: RequestHead["headers"]): readonly string[] {
  if (Array.isArray(headers)) return headers as readonly string[];
  if (Symbol.iterator in headers) return [...(headers as Headers)].flat();
  const lines: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    const values = typeof value === "string" ? [value] : (value ?? []);
    for (const one of values) lines.push(name, one);
  }
  return lines;
}

/** The body as bytes. */
export function bytes(body: RawRequest["body"]): Uint8Array | undefined {
  return typeof body === "string" ? Buffer.from(body) : (body ?? undefined);
}

/**
 * What of a body the engine has to see: all of a good one, and enough of one that is too long. What is
 * announced as too long is not read at all. Nothing (`undefined`) is what takes longer than so many milliseconds.
 */
export async function read(
  body: AsyncIterable<Uint8Array> | null,
  announced: string | null | undefined,
  within: number,
): Promise<Uint8Array | null | undefined> {
  if (!body || Number(announced) > LONGEST) return null;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, within, undefined)));
  try {
    return await Promise.race([collect(body), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LONGEST) break;
  }
  return Buffer.concat(chunks, Math.min(length, LONGEST + 1));
}
