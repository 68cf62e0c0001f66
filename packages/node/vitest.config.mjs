import { defineConfig } from "vitest/config";

// What is tested is what ships: the built package around the addon.
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], testTimeout: 20_000, server: { deps: { external: [/\/dist\//] } } },
});
