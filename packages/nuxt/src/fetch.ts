// Leads the `$fetch` of Nuxt through the client, so that requests of pages to the app's own routes are signed, and
// sessions that end on the way are heard of.

import type { NuxtApp } from "@nuxt/schema";

/** Before Nuxt's own template makes a `$fetch`, which it does only where there is none yet. */
export function leadFetch(app: NuxtApp, through: string): void {
  const template = app.templates.find(({ filename }) => filename === "fetch.mjs");
  const own = template?.getContents;
  if (!template || !own)
    throw new Error("@adyton/nuxt: this Nuxt makes its `$fetch` elsewhere; please report its version");
  template.getContents = async (data) =>
    [
      "import { $fetch as _adytonFetch } from 'ofetch'",
      "import { baseURL as _adytonBase } from '#internal/nuxt/paths'",
      `import { through as _adytonThrough } from ${JSON.stringify(through)}`,
      "if (import.meta.client && !globalThis.$fetch) {",
      "  globalThis.$fetch = _adytonFetch.create({ baseURL: _adytonBase() }, { fetch: _adytonThrough })",
      "}",
      await own(data),
    ].join("\n");
}
