// What the module adds to a start, in CPU time and each time in a new process: to `nuxi dev` and `build` (its import and its setup),
// and to the built server (loading the engine and opening a database that is there).
//
//   npm run bench:start            prints it; the built module is measured, so `npm run build` comes first
//   npm run bench:start -- --check also fails above the limit of 30 ms
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const LIMIT = 30;
const ROUNDS = 7;
// Inside of the package, so that it finds Nuxt.
const data = fileURLToPath(new URL("../test/fixture/.data", import.meta.url));
mkdirSync(data, { recursive: true });
const folder = mkdtempSync(join(data, "start-"));
writeFileSync(join(folder, "package.json"), "{}");
const built = fileURLToPath(new URL("../dist/module.mjs", import.meta.url));

const SETUP = `
  const { installModule, loadNuxt, runWithNuxtContext } = await import("@nuxt/kit");
  const nuxt = await loadNuxt({ cwd: ${JSON.stringify(folder)}, overrides: { _prepare: true }, ready: true });
  const before = process.cpuUsage();
  await runWithNuxtContext(nuxt, () => installModule(${JSON.stringify(built)}));
  const { user, system } = process.cpuUsage(before);
  console.log("took", (user + system) / 1000);
  process.exit();
`;
const OPEN = `
  const before = process.cpuUsage();
  const { createAuth } = await import("@adyton/node");
  const auth = createAuth({ connector: { options: { path: ${JSON.stringify(join(folder, "a.sqlite3"))} } } }, { log: false });
  const { user, system } = process.cpuUsage(before);
  console.log("took", (user + system) / 1000);
  await auth.close();
`;

let isOver = false;
for (const [name, script] of [
  ["setup of the module", SETUP],
  ["opening the engine", OPEN],
] as const) {
  once(script); // The first one creates what the others find.
  const times = Array.from({ length: ROUNDS }, () => once(script)).sort((a, b) => a - b);
  const median = times[Math.floor(ROUNDS / 2)]!;
  isOver ||= median > LIMIT;
  console.log(
    `${median.toFixed(1).padStart(7)} ms  (${times[0]!.toFixed(1)} to ${times.at(-1)!.toFixed(1)})  ${name}`,
  );
}
rmSync(folder, { recursive: true, force: true });
if (process.argv.includes("--check") && isOver) {
  console.error(`that is above ${LIMIT} ms`);
  process.exitCode = 1;
}

function once(script: string): number {
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const text = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return Number(/took ([\d.]+)/.exec(text)![1]);
}
