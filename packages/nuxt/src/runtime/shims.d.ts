/// <reference types="nuxt" />
/// <reference types="@nuxt/nitro-server" />
// Which backend it is, is chosen at build time (module.ts).
declare module "#adyton-backend" {
  // eslint-disable-next-line @typescript-eslint/consistent-type-imports -- an import would make a module of this file
  export const openBackend: typeof import("./server/backend/remote").openBackend;
}
