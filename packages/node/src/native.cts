// Finds the addon: the one built in this checkout, else that of the package for this platform. Each
// name stands literally, so that bundlers and tracers see what has to come along.

import type * as Native from "./native.generated.js" with { "resolution-mode": "import" };

/* eslint-disable @typescript-eslint/no-require-imports, @typescript-eslint/no-unsafe-return -- `load` says what it is */
const candidates: Record<string, (() => unknown)[]> = {
  "linux-x64": [
    () => require("../adyton.linux-x64-gnu.node"),
    () => require("@adyton/node-linux-x64-gnu"),
    () => require("../adyton.linux-x64-musl.node"),
    () => require("@adyton/node-linux-x64-musl"),
  ],
  "linux-arm64": [
    () => require("../adyton.linux-arm64-gnu.node"),
    () => require("@adyton/node-linux-arm64-gnu"),
    () => require("../adyton.linux-arm64-musl.node"),
    () => require("@adyton/node-linux-arm64-musl"),
  ],
  "darwin-x64": [() => require("../adyton.darwin-x64.node"), () => require("@adyton/node-darwin-x64")],
  "darwin-arm64": [() => require("../adyton.darwin-arm64.node"), () => require("@adyton/node-darwin-arm64")],
};
/* eslint-enable @typescript-eslint/no-require-imports, @typescript-eslint/no-unsafe-return */

/** The addon, or what its absence was told by. */
function load(): { addon: typeof Native } | { causes: unknown[] } {
  const causes: unknown[] = [];
  for (const candidate of candidates[`${process.platform}-${process.arch}`] ?? []) {
    try {
      return { addon: candidate() as typeof Native };
    } catch (cause) {
      causes.push(cause);
    }
  }
  return { causes };
}

export = { load };
