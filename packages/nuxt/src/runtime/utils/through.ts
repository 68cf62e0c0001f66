// Whom `$fetch` and `useFetch` ask in the browser. Nuxt binds the two when the app begins, before there is a plugin, so
// they are led here (fetch.ts of the module), where the plugin says who it is.

let asked: typeof fetch = (...request) => globalThis.fetch(...request);

export const through: typeof fetch = (...request) => asked(...request);

export function lead(to: typeof fetch): void {
  asked = to;
}
