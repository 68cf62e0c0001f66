// The Nuxt module: lays the parts of `runtime` into an app. It decides nothing about authentication.

import {
  addImportsDir, addPlugin, addRouteMiddleware, addServerImportsDir, addServerPlugin, createResolver, defineNuxtModule,
} from "@nuxt/kit";
import { type ModuleOptions, privateOptions, publicOptions, readOptions } from "./options";

export type { ModuleOptions } from "./options";
export type { AdytonUser, PageAuth, PageRules, Redirects } from "./runtime/types";

export default defineNuxtModule<ModuleOptions>({
  meta: { name: "@adyton/nuxt", configKey: "adyton", compatibility: { nuxt: ">=4.0.0" } },
  async setup(given, nuxt) {
    const here = createResolver(import.meta.url);
    const options = await readOptions(given, nuxt.options);
    nuxt.options.runtimeConfig.adyton = privateOptions(options);
    nuxt.options.runtimeConfig.public.adyton = publicOptions(options);
    nuxt.options.alias["#adyton"] = here.resolve("./runtime/types");

    addImportsDir(here.resolve("./runtime/composables"));
    addRouteMiddleware({ name: "adyton", path: here.resolve("./runtime/middleware/page.global"), global: true });
    addPlugin({ src: here.resolve("./runtime/plugins/session.server"), mode: "server" });
    addPlugin({ src: here.resolve("./runtime/plugins/session.client"), mode: "client" });
    addServerPlugin(here.resolve("./runtime/server/plugin"));
    addServerImportsDir(here.resolve("./runtime/server/utils"));
  },
});
