// What a test wants otherwise it says at build time with ADYTON_PLAYGROUND_*; nothing here has to be set.
const { ADYTON_PLAYGROUND_GUARD: guard, ADYTON_PLAYGROUND_MODE: mode, ADYTON_PLAYGROUND_BASE_URL: baseUrl } = process.env;
const expiration = process.env.ADYTON_PLAYGROUND_TOKEN_EXPIRATION;

export default defineNuxtConfig({
  modules: ["@adyton/nuxt"],
  compatibilityDate: "2026-11-01",
  app: {
    head: {
      htmlAttrs: { lang: "en" },
      titleTemplate: "%s · Playground",
      link: [{ rel: "icon", href: "/icon.svg", type: "image/svg+xml" }],
      meta: [{ name: "color-scheme", content: "light dark" }],
    },
  },
  css: ["~/assets/main.css"],
  adyton: {
    noAuthRoutes: ["GET:/api/public/prices"],
    ...(guard === "token" ? { sessionGuard: guard } : {}),
    ...(expiration ? { tokenExpiration: Number(expiration) } : {}),
    ...(mode === "server" ? { mode, baseUrl } : {}),
  },
  routeRules: { "/prices": { swr: 60 } },
  // A page that hydrates otherwise than it was rendered says so in the built app, too.
  vite: { define: { __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "true" } },
});
