// Front ends of one's own, in a real browser: what its cookies and its CORS make of our answers.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { PASSWORD, launch, serve } from "./world.mjs";

let browser, server, app, evil;

before(async () => {
  app = await blank();
  evil = await blank();
  browser = await launch();
  // The app is another origin of the same site: another port of the same host.
  server = await serve({ ADYTON_ALLOWED_ORIGINS: `http://localhost:${app.port}` });
});

after(async () => {
  await browser?.close();
  await server?.stop();
  app?.close();
  evil?.close();
});

// A front end whose pages are empty: what it does is told by the test.
function blank() {
  const pages = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end("<!doctype html><title>App</title>");
  });
  return new Promise((ready) => {
    pages.listen(0, "localhost", () => ready({ port: pages.address().port, close: () => pages.close() }));
  });
}

async function at(url, context) {
  const page = await (context ?? (await browser.newContext())).newPage();
  await page.goto(url);
  const call = (method, path, body, headers = {}) =>
    page.evaluate(
      async ([url, method, body, headers]) => {
        const options = { method, credentials: "include", headers };
        if (body) {
          options.body = JSON.stringify(body);
          options.headers = { "content-type": "application/json", ...headers };
        }
        try {
          const answer = await fetch(url, options);
          return { status: answer.status, json: await answer.json().catch(() => null) };
        } catch (error) {
          return { status: "blocked", error: String(error) };
        }
      },
      [`${server.url}/api/auth${path}`, method, body, headers],
    );
  return { page, call, context: page.context() };
}

const registration = (name) => ({ name, email: `${name}@example.com`, password: PASSWORD });

async function story(url, name) {
  const ada = await at(url);
  assert.equal((await ada.call("GET", "/user")).status, 401);
  const registered = await ada.call("POST", "/register", registration(name));
  assert.deepEqual([registered.status, registered.json.guard], [201, "session"]);
  assert.equal((await ada.call("GET", "/user")).json.name, name);
  const seen = await ada.page.evaluate(() => document.cookie);
  assert.ok(seen.startsWith("XSRF-TOKEN=x") && !seen.includes("adyton"), seen);
  assert.equal((await ada.call("POST", "/tokens", { name: "deploy" })).status, 201);
  await ada.page.reload();
  assert.equal((await ada.call("GET", "/session")).json.guard, "session");
  assert.equal((await ada.call("POST", "/logout")).status, 204);
  assert.equal((await ada.call("GET", "/user")).status, 401);
  const email = `${name}@example.com`;
  assert.equal((await ada.call("POST", "/login", { email, password: PASSWORD })).json.newDevice, false);
  assert.equal((await ada.call("GET", "/user")).status, 200);
  return ada;
}

test("a front end on our own origin signs in with a cookie", async () => {
  // Any page of the origin will do whose policy lets it call us.
  const ada = await story(`${server.url}/healthz`, "own");
  await ada.context.close();
});

test("an allowed front end on another origin of the site does, too", async () => {
  const ada = await story(`http://localhost:${app.port}/`, "allowed");
  await ada.context.close();
});

test("a page of anybody else can neither act nor read", async () => {
  const ada = await story(`http://localhost:${app.port}/`, "victim");
  const foreign = await at(`http://localhost:${evil.port}/`, ada.context);
  // The cookie goes along, since ports make no site: what stops this is the check and CORS.
  for (const [method, path, body] of [
    ["GET", "/user"],
    ["POST", "/tokens", { name: "stolen" }],
    ["POST", "/logout"],
  ]) {
    assert.equal((await foreign.call(method, path, body)).status, "blocked", `${method} ${path}`);
  }
  // A form needs no preflight and no CORS.
  await foreign.page.evaluate((action) => {
    document.body.innerHTML = `<form method="post" action="${action}"></form>`;
    document.forms[0].submit();
  }, `${server.url}/api/auth/logout`);
  await foreign.page.waitForURL(`${server.url}/**`);
  assert.match(await foreign.page.content(), /csrf_failed/);
  assert.equal((await ada.call("GET", "/user")).status, 200, "the victim is still signed in");
  assert.deepEqual((await ada.call("GET", "/tokens")).json.tokens.map(({ name }) => name), ["deploy"]);
  await ada.context.close();
});

test("an allowed front end uses tokens where it asks for them", async () => {
  const ada = await at(`http://localhost:${app.port}/`);
  const body = { ...registration("tokens"), guard: "token" };
  const { json } = await ada.call("POST", "/register", body);
  assert.equal(json.guard, "token");
  assert.equal((await ada.call("GET", "/user", null, { authorization: `Bearer ${json.token}` })).status, 200);
  const refreshed = await ada.call("POST", "/refresh", { refreshToken: json.refreshToken }, { "x-device-id": json.deviceSecret });
  assert.equal(refreshed.status, 200);
  await ada.context.close();
});
