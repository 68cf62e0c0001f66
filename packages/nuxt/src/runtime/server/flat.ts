// Headers as one flat list, names and values by turns, which is how they cross from and to the engine.

export function pairs(flat: readonly string[]): [name: string, value: string][] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ""] as [string, string]] : []));
}

/** A path or URL without its query. */
export function withoutQuery(url: string): string {
  return url.split("?", 1)[0] ?? "";
}
