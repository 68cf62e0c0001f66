// The same app for tests whose tokens live for seconds.
export default defineNuxtConfig({
  extends: ["../sidebase"],
  compatibilityDate: "2026-01-01",
  telemetry: false,
  auth: { sessionRefresh: { enablePeriodically: 2000 } },
});
