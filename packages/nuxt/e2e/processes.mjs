// The built playground and the binary `adyton`, each a process in a folder of its own that keeps its port and its
// database over `stop` and `start`. None outlives its test.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const binary = process.env.ADYTON_BINARY ?? "adyton";
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
// A test file that takes too long is ended by a signal, of which `exit` says nothing.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

export async function app(variant, variables = {}) {
  if (!process.env.ADYTON_E2E_APPS) throw new Error("ADYTON_E2E_APPS must name the built apps: run.mjs says how");
  const script = join(process.env.ADYTON_E2E_APPS, variant, "server/index.mjs");
  const port = await freePort();
  const env = (folder) => ({
    PATH: process.env.PATH,
    NODE_ENV: "production",
    HOST: "127.0.0.1",
    PORT: String(port),
    NUXT_ADYTON_CONNECTOR_OPTIONS_PATH: databaseIn(folder),
    ...variables,
  });
  return served([process.execPath, script], env, `http://localhost:${port}`, "/icon.svg");
}

export async function adyton(variables = {}) {
  const port = await freePort();
  const env = () => ({ ADYTON_SERVER__LISTEN: `127.0.0.1:${port}`, ...variables });
  return served([binary, "serve"], env, `http://127.0.0.1:${port}`, "/readyz");
}

const databaseIn = (folder) => join(folder, "adyton.sqlite3");

// What the engine inside an app has noted, as kinds, read with the binary beside it.
export async function eventsOf({ folder }) {
  const env = { ADYTON_CONNECTOR__OPTIONS__PATH: databaseIn(folder) };
  const { stdout } = await promisify(execFile)(binary, ["events", "--json", "--limit", "10000"], { env });
  return JSON.parse(stdout).events.map(({ event }) => event);
}

async function served([command, ...args], env, url, ready) {
  const folder = await mkdtemp(join(tmpdir(), "adyton-e2e-"));
  let child, log = "";
  const answers = () => fetch(url + ready).then(({ ok }) => ok, () => false);
  const self = {
    url,
    folder,
    log: () => log,
    async start() {
      child = spawn(command, args, { cwd: folder, env: env(folder), stdio: ["ignore", "pipe", "pipe"] });
      running.add(child);
      child.on("exit", () => running.delete(child));
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += chunk));
      await until(answers, () => `${command} does not answer: ${log}`);
    },
    async stop() {
      if (!running.has(child)) return;
      child.kill();
      await once(child, "exit");
    },
    async close() {
      await self.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await self.start();
  return self;
}

export async function until(isSo, otherwise, seconds = 20) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    if (await isSo()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(otherwise());
}

export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}
