export default defineNuxtConfig({
  compatibilityDate: "2026-01-01",
  modules: ["nuxt-auth-sanctum"],
  sanctum: {
    baseUrl: "http://localhost:8000",
    mode: "cookie",
    redirect: {
      keepRequestedRoute: true,
      onLogin: "/profile",
      onLogout: "/",
      onAuthOnly: "/login",
      onGuestOnly: "/profile",
    },
    serverProxy: { enabled: true, route: "/api/sanctum", baseUrl: "http://localhost:8000" },
  },
});
