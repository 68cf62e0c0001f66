// People with a browser of their own in front of the playground. How to run: see run.mjs.
//
// Whatever a page writes to the console, fails to load or asks of another host is kept and fails the test; so is a
// header that ever offered "Sign in" to somebody who was signed in.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
export const shots = process.env.ADYTON_SCREENSHOTS;
// Long enough for a busy machine.
const WAIT = 20_000;
export const PASSWORD = "correct horse battery";
export const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

export function launch() {
  return chromium.launch({
    executablePath: process.env.ADYTON_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

let people = 0;

export async function person(browser, app, options = {}) {
  const context = await browser.newContext({ baseURL: app.url, viewport: { width: 1100, height: 900 }, ...options });
  await context.addInitScript(watchTheHeader);
  const problems = [];
  const answers = [];
  context.on("page", (page) => listen(page, app, problems, answers));
  const page = await context.newPage();
  people += 1;
  return {
    ...actions(page),
    page,
    context,
    problems,
    answers,
    email: `person-${people}-${Date.now()}@example.com`,
    // What was asked of the sign-in endpoints since the last time.
    asked: () => answers.splice(0).filter(({ path }) => path.startsWith("/api/auth")),
    tab: async () => {
      const tab = await context.newPage();
      return { ...actions(tab), page: tab };
    },
    // The HTML as the server sends it to this browser, before any script.
    html: async (path) => {
      const cookies = await context.cookies(app.url);
      const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
      return fetch(new URL(path, app.url), { headers: { cookie, accept: "text/html" }, redirect: "manual" });
    },
    async look(name) {
      await assertFits(page, name);
      if (shots) {
        await mkdir(shots, { recursive: true });
        await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
      }
      await assertAccessible(page, name);
    },
    async close() {
      assert.deepEqual(problems, []);
      await context.close();
    },
  };
}

function actions(page) {
  const hydrated = () => page.waitForFunction(() => window.useNuxtApp?.().isHydrating === false, null, { timeout: WAIT });
  return {
    hydrated,
    see: (text) => page.getByText(text).first().waitFor({ timeout: WAIT }),
    press: (name) => page.getByRole("button", { name, exact: true }).click(),
    follow: (name) => page.getByRole("link", { name, exact: true }).first().click(),
    fill: (label, text) => page.getByLabel(label, { exact: true }).fill(text),
    at: (path) => page.waitForURL((url) => url.pathname === path, { timeout: WAIT }),
    async open(path) {
      const answer = await page.goto(path);
      await hydrated();
      return answer;
    },
    async register(name, email) {
      await this.open("/register");
      await this.fill("Name", name);
      await this.fill("E-mail", email);
      await this.fill("Password", PASSWORD);
      await this.fill("Password again", PASSWORD);
      await this.press("Create account");
      await this.see("Sign out");
    },
    // The form as it stands, so that a test can be led to it first.
    async signIn(email, { password = PASSWORD, access = "Everything" } = {}) {
      await this.fill("E-mail", email);
      await this.fill("Password", password);
      await page.getByLabel("Access").selectOption({ label: access });
      await this.press("Sign in");
    },
    // Every text that the corner with the person's name has shown since the document began.
    header: () => page.evaluate(() => window.__header),
  };
}

function listen(page, app, problems, answers) {
  page.on("console", (message) => {
    // Chromium reports each answer that is no success; those are the test's to judge.
    if (message.text().startsWith("Failed to load resource")) return;
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(app.url)) problems.push(`another host: ${request.url()}`);
  });
  page.on("response", (response) => {
    const { pathname: path } = new URL(response.url());
    answers.push({ path, method: response.request().method(), status: response.status() });
  });
}

// Runs in the page from the very start.
function watchTheHeader() {
  window.__header = [];
  const note = () => {
    const text = document.querySelector("[data-testid=person]")?.textContent.replace(/\s+/g, " ").trim();
    if (text !== undefined && text !== window.__header.at(-1)) window.__header.push(text);
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true });
}

async function assertFits(page, name) {
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= window, `${name} is ${wide} px wide on ${window}`);
  assert.deepEqual(await page.evaluate(outside), [], `${name}: something leaves its card`);
}

// What stands beyond the edges of the card that it belongs to.
function outside() {
  const edges = (element) => element.getBoundingClientRect();
  return [...document.querySelectorAll(".card *:not(.hidden)")]
    .filter((element) => edges(element).right > edges(element.closest(".card")).right)
    .map((element) => element.outerHTML.slice(0, 80));
}

async function assertAccessible(page, name) {
  await page.evaluate(await readFile(axePath, "utf8"));
  const { violations } = await page.evaluate(() => axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
  assert.deepEqual(told, [], name);
}
