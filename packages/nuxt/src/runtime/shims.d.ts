/// <reference types="nuxt" />
/// <reference types="@nuxt/nitro-server" />
// Which of the two is chosen at build time (module.ts).
declare module "#adyton-backend" {
  import type { Backend, ServerOptions } from "./server/types";

  export function openBackend(config: Record<string, unknown>, options: ServerOptions): Backend;
}
