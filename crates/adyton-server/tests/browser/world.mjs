// The server as a process in a folder of its own, and Debian's Chromium in front of it. Whatever a
// page writes to the console, blocks by its policy or fails to load is kept, and fails the test.

import { spawn } from "node:child_process";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const binary = process.env.ADYTON_BINARY ?? "adyton";
export const shots = process.env.ADYTON_SCREENSHOTS;
export const PASSWORD = "correct horse battery";

export async function serve(variables = {}) {
  const folder = await mkdtemp(join(tmpdir(), "adyton-browser-"));
  const child = spawn(binary, ["serve"], {
    cwd: folder,
    env: { ADYTON_SERVER__LISTEN: "127.0.0.1:0", ...variables },
    stdio: ["ignore", "ignore", "pipe"],
  });
  // Whatever becomes of the test, no server outlives it.
  process.on("exit", () => child.kill());
  let log = "";
  const address = await new Promise((found, failed) => {
    child.on("exit", () => failed(new Error(`the server ended: ${log}`)));
    child.stderr.on("data", (chunk) => {
      log += chunk;
      const serving = log.split("\n").find((line) => line.includes('"message":"serving"'));
      if (serving) found(JSON.parse(serving).address);
    });
  });
  return {
    url: `http://localhost:${address.split(":").at(-1)}`,
    log: () => log,
    async stop() {
      const ended = new Promise((done) => child.on("exit", done));
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
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

// A person with a browser of their own.
export async function person(browser, server, options = {}) {
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => {
    // Chromium reports each page that is not a success; those are the test's to judge.
    const status = message.text().startsWith("Failed to load resource");
    const document = status && new URL(message.location().url).pathname === new URL(page.url()).pathname;
    if (["error", "warning"].includes(message.type()) && !document) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("requestfailed", (request) => {
    // Going on to another page aborts what this one still loads.
    const { errorText } = request.failure();
    if (errorText !== "net::ERR_ABORTED") problems.push(`${request.url()}: ${errorText}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url)) problems.push(`another host: ${request.url()}`);
  });
  return {
    page,
    context,
    problems,
    see: (text) => page.getByText(text, { exact: false }).first().waitFor({ timeout: 5000 }),
    press: (name) => page.getByRole("button", { name }).click(),
    fill: (label, text) => page.getByLabel(label, { exact: true }).fill(text),
    async register(name, email) {
      await page.goto("/account/register");
      await this.fill("Name", name);
      await this.fill("E-mail", email);
      await this.fill("Password", PASSWORD);
      await this.fill("Password again", PASSWORD);
      await this.press("Create account");
    },
    async signIn(email, password = PASSWORD) {
      await page.goto("/account/login");
      await this.fill("E-mail", email);
      await this.fill("Password", password);
      await this.press("Sign in");
    },
    // Looks at the page: its width, its accessibility, and a picture of it where one is wanted.
    async look(name) {
      const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(width[0] <= width[1], `${name} is ${width[0]} px wide on ${width[1]}`);
      assert.deepEqual(await page.evaluate(outside), [], `${name}: something leaves its card`);
      if (shots) {
        await mkdir(shots, { recursive: true });
        await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
      }
      if (options.javaScriptEnabled === false) return;
      await assertAccessible(context, page, name);
    },
    at: (path) => assert.equal(new URL(page.url()).pathname, path),
    async close() {
      assert.deepEqual(problems, []);
      await context.close();
    },
  };
}

// What stands beyond the edges of the card that it belongs to.
function outside() {
  const edges = (element) => element.getBoundingClientRect();
  return [...document.querySelectorAll(".card *:not(.hidden)")]
    .filter((element) => edges(element).right > edges(element.closest(".card")).right)
    .map((element) => element.outerHTML.slice(0, 80));
}

// axe runs in a page without our policy, which allows no script but ours: playwright's own world is
// not bound by it.
async function assertAccessible(context, page, name) {
  const { readFile } = await import("node:fs/promises");
  await page.evaluate(await readFile(axePath, "utf8"));
  const { violations } = await page.evaluate(() => axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
  assert.deepEqual(told, [], name);
}
