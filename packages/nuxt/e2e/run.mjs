// Builds what the stories need, then lets `node --test` tell them.
//
//   ADYTON_BINARY=target/debug/adyton npm run e2e -w @adyton/nuxt            every story
//   ADYTON_BINARY=target/debug/adyton npm run e2e:quick -w @adyton/nuxt      one story a door, within three minutes
//
// It needs Node 22 or later, Debian's Chromium (ADYTON_CHROMIUM elsewhere) and the three packages built.
// ADYTON_E2E_APPS=folder keeps the built apps there and takes them from there the next time; without it they live in a
// temporary folder for this run. ADYTON_SCREENSHOTS=folder keeps a picture of every page. Names of test files after
// the selection tell only those.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VARIANTS, prepare } from "./prepare.mjs";

const quick = process.argv[2] === "quick";
const chosen = process.argv.slice(2).filter((name) => name.endsWith(".test.mjs"));
const stories = chosen.length ? chosen : quick ? ["quick.test.mjs"] : await all();
const variants = quick ? ["cookie", "server"] : Object.keys(VARIANTS);

const kept = process.env.ADYTON_E2E_APPS;
const folder = kept ?? (await mkdtemp(join(tmpdir(), "adyton-e2e-")));
await mkdir(folder, { recursive: true });
let code = 1;
try {
  const missing = variants.filter((name) => !existsSync(join(folder, name)));
  if (missing.length) await prepare(folder, missing);
  code = await tell();
} finally {
  if (!kept) await rm(folder, { recursive: true, force: true });
}
process.exit(code);

async function all() {
  return (await readdir(import.meta.dirname)).filter((name) => name.endsWith(".test.mjs") && name !== "quick.test.mjs");
}

function tell() {
  const flags = ["--test", "--test-force-exit", "--test-timeout=400000", "--test-concurrency=1"];
  const child = spawn(process.execPath, [...flags, ...stories], {
    cwd: import.meta.dirname,
    env: { ...process.env, ADYTON_E2E_APPS: folder },
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  return new Promise((done) => child.on("exit", (code) => done(code ?? 1)));
}
