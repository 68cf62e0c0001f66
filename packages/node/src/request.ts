// Requests on their way to the engine: their heads as one text, and no more of a body than counts.

/** A request without web classes. */
export interface RawRequest {
  method: string;
  /** The path with its query, or the whole URL. */
  url: string;
  /** Pass Node's `rawHeaders`: of a header that stands twice, `headers` has only the first. */
  headers: Headers | readonly string[] | Record<string, string | readonly string[] | undefined>;
  body?: Uint8Array | string | null;
  /** The address of the connection, for limits: `socket.remoteAddress`. */
  clientAddress?: string | undefined;
}

/** An answer without web classes. */
export interface RawResponse {
  status: number;
  /** Names and values by turns, so that each `set-cookie` survives. */
  headers: string[];
  body: Uint8Array | null;
}

/** A request but for its body. */
export type RequestHead = Pick<RawRequest, "method" | "url" | "headers" | "clientAddress">;

/** One byte more than a body may have: what is longer need not be read to be refused. */
const ENOUGH = 64 * 1024 + 1;

/** The texts of a head: method, URL, address, then names and values of headers. */
export function texts(request: RequestHead): string[] {
  return [request.method, request.url, request.clientAddress ?? "", ...flat(request.headers)];
}

function flat(headers: RequestHead["headers"]): readonly string[] {
  if (Array.isArray(headers)) return headers as readonly string[];
  if (headers instanceof Headers) return [...headers].flat();
  return Object.entries(headers as Record<string, string | readonly string[] | undefined>).flatMap(
    ([name, value]) => (value === undefined ? [] : [value].flat().flatMap((one) => [name, one as string])),
  );
}

/** The body as bytes. */
export function bytes(body: RawRequest["body"]): Uint8Array | undefined {
  return typeof body === "string" ? new TextEncoder().encode(body) : (body ?? undefined);
}

/** What of a body the engine has to see: all of a good one, and enough of one that is too long. */
export async function read(body: AsyncIterable<Uint8Array> | null): Promise<Uint8Array | undefined> {
  if (!body) return undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= ENOUGH) break;
  }
  return Buffer.concat(chunks, Math.min(length, ENOUGH));
}
