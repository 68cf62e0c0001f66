// Builds the fixture once for all tests: with the engine inside, and for a server elsewhere.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const FIXTURE = fileURLToPath(new URL("../fixture", import.meta.url));

export default function build() {
  if (process.env.ADYTON_FIXTURE === "built") return;
  rmSync(`${FIXTURE}/.output`, { recursive: true, force: true });
  for (const FIXTURE_MODE of ["embedded", "server"]) {
    const env = {
      ...process.env,
      FIXTURE_MODE,
      NUXT_TELEMETRY_DISABLED: "1",
      NODE_ENV: "production",
      VITEST: undefined,
      TEST: undefined,
    };
    execFileSync(process.execPath, [nuxi(), "build", FIXTURE], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  }
}

export function nuxi(): string {
  return join(dirname(createRequire(import.meta.url).resolve("nuxt/package.json")), "bin/nuxt.mjs");
}
