// Whether an answer is kept by a cache that asks nobody. Nitro gives a handler that it caches everybody's requests, and
// gives its answer to everybody; since 2.13.6 it heeds `private` and `no-store`, before it did not. An app may have either.

/** Throws where what is known of one visitor would be given to the next. */
export function refuseBlindCache({ context }: { context: object }): void {
  const { cache } = context as { cache?: { options?: object } };
  // What came with the same change; if it goes, this refuses, and a test says so.
  if (!cache || "_removeStaleOnInvalid" in (cache.options ?? {})) return;
  throw new Error("@adyton/nuxt: a cached handler must not know its caller before nitropack 2.13.6: update it, or do not cache this");
}

/** Whether headers let a shared cache keep an answer (RFC 9111, 3): an age does, unless something forbids it. */
export function tellsCaches(headers: object | undefined): boolean {
  return Object.entries(headers ?? {}).some(
    ([name, value]) => /(?:cache|surrogate)-control$/i.test(name) && isForAll(String(value)),
  );
}

function isForAll(words: string): boolean {
  if (/\b(?:public|s-maxage)\b/i.test(words)) return true;
  // `private="set-cookie"` is about that field alone.
  return /\bmax-age="?0*[1-9]/i.test(words) && !/\bno-store\b|\bprivate\b(?!\s*=)/i.test(words);
}
