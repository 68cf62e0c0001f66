/// <reference types="nuxt" />
/// <reference types="@nuxt/nitro-server" />
// Which backend it is, is chosen at build time (module.ts).
declare module "#adyton-backend" {
   
  export const openBackend: typeof import("./server/backend/remote").openBackend;
}
