// The playground as somebody else would have it: the three packages packed as they would be published, installed into
// a folder outside this repository, and built for production once per variant.

import { execFile } from "node:child_process";
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const packages = join(import.meta.dirname, "../..");
const playground = join(import.meta.dirname, "../playground");

const vueTsc = join(packages, "../node_modules/vue-tsc/bin/vue-tsc.js");

// What each variant is built with.
export const VARIANTS = {
  cookie: {},
  token: { ADYTON_PLAYGROUND_GUARD: "token", ADYTON_PLAYGROUND_TOKEN_EXPIRATION: "5" },
  // Where the server is, each run says anew.
  server: { ADYTON_PLAYGROUND_MODE: "server", ADYTON_PLAYGROUND_BASE_URL: "http://127.0.0.1:8000" },
};

export async function prepare(folder, variants) {
  await pack(join(folder, "packed"));
  const app = join(folder, "app");
  await cp(playground, app, { recursive: true, filter: (path) => !/\/(node_modules|\.nuxt|\.output|\.data|data)$/.test(path) });
  await install(app, join(folder, "packed"));
  for (const variant of variants) await build(app, folder, variant);
  if (variants.includes("token")) await timed("types", () => checkTypes(app));
}

async function pack(folder) {
  await mkdir(folder, { recursive: true });
  for (const name of ["client", "node", "nuxt"]) {
    await timed(`pack ${name}`, () => npm(join(packages, name), ["pack", "--ignore-scripts", "--pack-destination", folder]));
  }
}

async function install(app, packed) {
  const manifest = JSON.parse(await readFile(join(app, "package.json"), "utf8"));
  for (const file of await readdir(packed)) {
    manifest.dependencies[`@adyton/${file.match(/^adyton-(.+)-\d+\.\d+\.\d+/)[1]}`] = `file:../packed/${file}`;
  }
  await writeFile(join(app, "package.json"), JSON.stringify(manifest));
  await timed("install", () => npm(app, ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"]));
}

async function build(app, folder, variant) {
  const env = { ...process.env, ...VARIANTS[variant], NUXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" };
  await timed(`build ${variant}`, () => run("npx", ["nuxi", "build"], { cwd: app, env, maxBuffer: 1 << 26 }));
  await rm(join(folder, variant), { recursive: true, force: true });
  await rename(join(app, ".output"), join(folder, variant));
}

async function checkTypes(app) {
  await run("npx", ["nuxi", "prepare"], { cwd: app });
  await run("node", [vueTsc, "-b", "--noEmit"], { cwd: app });
}

const npm = (cwd, args) => run("npm", args, { cwd, maxBuffer: 1 << 26 });

// Where a step fails, what it wrote says why.
async function timed(name, step) {
  const start = performance.now();
  try {
    await step();
  } catch (error) {
    throw new Error(`${name} failed:\n${error.stdout ?? ""}\n${error.stderr ?? error}`, { cause: error });
  }
  console.error(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
