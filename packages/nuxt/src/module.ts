// The Nuxt module: reads the options and lays the parts of `runtime` into an app. It decides nothing about
// authentication.

import {
  addImports,
  addImportsDir,
  addPlugin,
  addRouteMiddleware,
  addServerHandler,
  addServerImports,
  addServerPlugin,
  createResolver,
  defineNuxtModule,
  useLogger,
  useNuxt,
} from "@nuxt/kit";
import { join } from "node:path/posix";
import { type ModuleOptions, privateOptions, publicOptions, readOptions } from "./options";
import { check } from "./check";
import { leadFetch } from "./fetch";
import { refuseStreams, shipEngine, tellOfRoutes } from "./nitro";
import { hideDatabase } from "./vite";

export type { ModuleOptions } from "./options";
export type { AdytonUser, PageAuth, PageRules, Redirects } from "./runtime/types";
export type { Principal } from "./runtime/server/types";

export default defineNuxtModule<ModuleOptions>({
  meta: { name: "@adyton/nuxt", configKey: "adyton", compatibility: { nuxt: ">=4.0.0" } },
  async setup(given, nuxt) {
    const here = createResolver(import.meta.url);
    const legacy = (nuxt.options as { nuxtTokenAuthentication?: ModuleOptions }).nuxtTokenAuthentication;
    const options = readOptions(given, legacy);
    if (nuxt.options.dev && options.mode === "embedded")
      options.connector ??= { options: { path: join(nuxt.options.rootDir, "data/adyton.sqlite3") } };
    await check(options, nuxt.options._prepare, useLogger("adyton"));
    if (legacy && options.importPlaintextTokens === undefined) {
      useLogger("adyton").warn(
        "tokens that nuxt-token-authentication has issued do not work yet: `importPlaintextTokens: true` under `adyton` " +
          "hashes them at the start, which that module cannot read any more",
      );
    }
    nuxt.options.runtimeConfig.adyton = privateOptions(options);
    nuxt.options.runtimeConfig.public.adyton = publicOptions(options);
    nuxt.options.alias["#adyton-backend"] = here.resolve(
      `./runtime/server/backend/${options.mode === "server" ? "remote" : "embedded"}`,
    );
    nuxt.options.alias["#adyton"] = here.resolve("./runtime/types");

    addImportsDir(here.resolve("./runtime/composables"));
    addImports({ name: "authMiddleware", from: here.resolve("./runtime/utils/authMiddleware") });
    addRouteMiddleware({
      name: "adyton",
      path: here.resolve("./runtime/middleware/page.global"),
      global: true,
    });
    addPlugin({ src: here.resolve("./runtime/plugins/session.server"), mode: "server" });
    addPlugin({ src: here.resolve("./runtime/plugins/session.client"), mode: "client" });
    nuxt.hook("app:templates", (app) => leadFetch(app, here.resolve("./runtime/utils/through")));
    addServerPlugin(here.resolve("./runtime/server/plugin"));
    const utilities = here.resolve("./runtime/server/utils/principal");
    addServerImports(
      ["getPrincipal", "requireUser", "requireAbility"].map((name) => ({ name, from: utilities })),
    );
    nuxt.hook("nitro:init", (nitro) => {
      nitro.options.errorHandler = [
        here.resolve("./runtime/server/errors"),
        nitro.options.errorHandler,
      ].flat();
      const { ssrStreaming: streams } = nuxt.options.experimental;
      refuseStreams(nitro.options.routeRules, typeof streams === "object" ? streams.enabled === true : streams);
      tellOfRoutes(nitro, options, (text) => useLogger("adyton").warn(text));
      if (options.mode === "embedded") shipEngine(nitro);
    });
    const file = options.connector?.options?.path;
    if (nuxt.options.dev && typeof file === "string") hideDatabase(file);
    if (nuxt.options.dev) addDevTools(here.resolve("./runtime/server/devtools"));
  },
});

/** A page of the development server, and its tab in the DevTools. What is built has neither. */
function addDevTools(handler: string): void {
  addServerHandler({ route: "/__adyton__", handler });
  const nuxt = useNuxt();
  const src = join(nuxt.options.app.baseURL, "/__adyton__");
  nuxt.hook(
    "devtools:customTabs" as never,
    ((tabs: object[]) => {
      tabs.push({ name: "adyton", title: "Adyton", icon: "carbon:locked", view: { type: "iframe", src } });
    }) as never,
  );
}
