// What the stories stand in: the server's binary with a configuration of a fixture, its Nuxt app built for
// production, and a browser. Whatever a page writes to its console, whatever the app's server warns of, each 5xx
// and each request that fails is kept, and fails the test unless it has said that it expects it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const here = import.meta.dirname;
const binary = process.env.ADYTON_BINARY;
export const skip = binary ? false : "ADYTON_BINARY names no server";
export const PASSWORD = "correct horse battery";
if (skip) console.error(`skipped: existing clients: ${skip}`);

const running = new Set();
// Whatever becomes of the tests, nothing outlives them.
process.on("exit", () => running.forEach((child) => child.kill()));
["SIGINT", "SIGTERM", "SIGHUP"].forEach((signal) => process.on(signal, () => process.exit(1)));

// Builds a fixture as `nuxt build` does; what differs between its modes is read at run time.
export async function build(fixture) {
  const nuxt = join(here, "node_modules/nuxt/bin/nuxt.mjs");
  const { ended, log } = run(process.execPath, [nuxt, "build"], { cwd: join(here, fixture), env: { NUXT_TELEMETRY_DISABLED: "1" } });
  assert.equal(await ended, 0, log());
}

// The server and the app, each on a port of its own of localhost.
export async function deploy(fixture, { config, built = fixture, server = {}, app }) {
  const origin = `http://localhost:${await freePort()}`;
  const api = await serve(join(here, fixture, config), { ADYTON_ALLOWED_ORIGINS: origin, ...server });
  const nuxt = run(process.execPath, [join(here, built, ".output/server/index.mjs")], {
    env: { NODE_ENV: "production", HOST: "127.0.0.1", PORT: new URL(origin).port, ...app(api.url, origin) },
  });
  await nuxt.said("Listening on");
  return {
    url: origin,
    api: api.url,
    serverLog: api.log,
    appLog: nuxt.log,
    async stop() {
      await nuxt.stop();
      await api.stop();
    },
  };
}

async function serve(config, variables) {
  const cwd = await mkdtemp(join(tmpdir(), "adyton-clients-"));
  const env = { ADYTON_SERVER__LISTEN: "127.0.0.1:0", ...variables };
  const server = run(binary, ["serve", "--config", config], { cwd, env });
  const line = await server.said('"message":"serving"');
  return {
    url: `http://localhost:${JSON.parse(line).address.split(":").at(-1)}`,
    log: server.log,
    async stop() {
      await server.stop();
      await rm(cwd, { recursive: true, force: true });
    },
  };
}

// A process and what it says. Of our own environment it gets no setting of the server's or of Nuxt's.
function run(command, parameters, { cwd, env }) {
  const { PATH, HOME } = process.env;
  const child = spawn(command, parameters, { cwd, env: { PATH, HOME, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let text = "";
  const ended = new Promise((done) => child.on("close", done)).finally(() => running.delete(child));
  const read = (listener) => [child.stdout, child.stderr].forEach((stream) => stream.on("data", listener));
  read((chunk) => (text += chunk));
  return {
    ended,
    log: () => text,
    said: (words) =>
      new Promise((found, failed) => {
        const look = () => {
          const line = text.split("\n").slice(0, -1).find((line) => line.includes(words));
          if (line !== undefined) found(line);
        };
        read(look);
        look();
        ended.then(() => failed(new Error(`${command} ended: ${text}`)));
      }),
    async stop() {
      child.kill();
      await ended;
    },
  };
}

function freePort() {
  const probe = createServer();
  return new Promise((found) => {
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.ADYTON_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

// Somebody with a browser of their own.
export async function person(browser, world) {
  const context = await browser.newContext({ baseURL: world.url });
  const problems = [];
  // Every call of the server, in order, with the status of its answer and the headers it was made with.
  const calls = [];
  const page = await open();

  async function open() {
    const page = await context.newPage();
    page.on("console", (message) => {
      if (!["error", "warning"].includes(message.type())) return;
      // Chromium notes each answer that is no success; `expect` judges those by their status.
      if (!message.text().startsWith("Failed to load resource")) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("requestfailed", (request) => {
      // Going on to another page aborts what this one still loads.
      const { errorText } = request.failure();
      if (errorText !== "net::ERR_ABORTED") problems.push(`${request.url()}: ${errorText}`);
    });
    page.on("response", (response) => {
      const request = response.request();
      const { pathname } = new URL(response.url());
      if (["xhr", "fetch"].includes(request.resourceType()) && !pathname.startsWith("/_nuxt/")) {
        const call = `${request.method()} ${pathname.replace(/^\/api\/sanctum/, "")} ${response.status()}`;
        calls.push({ call, headers: request.headers() });
      }
      if (response.status() >= 500) problems.push(`${response.status()}: ${response.url()}`);
    });
    return page;
  }

  const who = (page, words) => page.locator("[data-who]", { hasText: words }).waitFor({ timeout: 10_000 });
  const fill = (label, text) => page.getByLabel(label, { exact: true }).fill(text);
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  return {
    page, context, problems, calls, open, fill, press,
    // A page as its server sent it, which must already know who is there, and then as it lives in the browser.
    async visit(path, expected, on = page) {
      const answer = await on.goto(path, { waitUntil: "networkidle" });
      assert.match(await answer.text(), new RegExp(`data-who[^>]*>${expected}<`), `${path}, as the server sent it`);
      await who(on, expected);
      return answer;
    },
    is: (expected, on = page) => who(on, expected),
    see: (words) => page.getByText(words, { exact: false }).first().waitFor({ timeout: 10_000 }),
    at: (path) => page.waitForURL((url) => url.pathname + url.search === path, { timeout: 10_000 }),
    go: (link) => page.getByRole("link", { name: link }).click(),
    async register(name, { password = PASSWORD, again = password } = {}) {
      await this.visit("/register", "Guest");
      await fill("Name", name);
      await fill("E-mail", email(name));
      await fill("Password", password);
      await fill("Password again", again);
      await press("Create account");
    },
    async signIn(name, password = PASSWORD) {
      await fill("E-mail", email(name));
      await fill("Password", password);
      await press("Sign in");
    },
    // The calls since the last look, which must have met these statuses.
    expect(...expected) {
      const met = calls.splice(0);
      assert.deepEqual(met.map(({ call }) => call), expected);
      return met.map(({ headers }) => headers);
    },
    cookie: async (name) => (await context.cookies(world.url)).find((cookie) => cookie.name === name),
    async close() {
      assert.deepEqual(problems, []);
      await context.close();
    },
  };
}

export const email = (name) => `${name.toLowerCase()}@example.com`;

// What an app's server has warned of, apart from what it says at its start.
export function complaints(world) {
  return world.appLog().split("\n").filter((line) => /warn|error|refused|unable/i.test(line));
}
