export default defineNuxtConfig({
  compatibilityDate: "2026-01-01",
  modules: ["@sidebase/nuxt-auth"],
  auth: {
    baseURL: "http://localhost:8000/api/auth",
    provider: {
      type: "local",
      endpoints: {
        signIn: { path: "/login", method: "post" },
        signUp: { path: "/register", method: "post" },
        signOut: { path: "/logout", method: "post" },
        getSession: { path: "/user", method: "get" },
      },
      pages: { login: "/login" },
      token: {
        signInResponseTokenPointer: "/token",
        maxAgeInSeconds: 3600,
      },
      session: { dataType: { id: "number", name: "string", email: "string" } },
      refresh: {
        isEnabled: true,
        endpoint: { path: "/refresh", method: "post" },
        refreshOnlyToken: true,
        token: {
          signInResponseRefreshTokenPointer: "/refreshToken",
          refreshRequestTokenPointer: "/refreshToken",
          refreshResponseTokenPointer: "/token",
          maxAgeInSeconds: 2592000,
        },
      },
    },
    sessionRefresh: { enablePeriodically: 600_000, enableOnWindowFocus: true },
    globalAppMiddleware: { isEnabled: true, addDefaultCallbackUrl: true },
  },
});
