// The app in front of `adyton serve`.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { adyton, app } from "./processes.mjs";
import { launch, person } from "./world.mjs";

let browser, engine, server;
before(async () => {
  browser = await launch();
  engine = await adyton({ ADYTON_SERVER__TRUSTED_PROXIES: "127.0.0.1/32" });
  server = await app("server", { NUXT_ADYTON_BASE_URL: engine.url });
});
after(async () => {
  await browser?.close();
  await server?.close();
  await engine?.close();
});

test("sign-up, reload and sign-out", async () => {
  const ada = await person(browser, server);
  await ada.register("Ada Lovelace", ada.email);
  await ada.page.reload();
  await ada.hydrated();
  assert.deepEqual(await ada.header(), ["Ada LovelaceSign out"]);
  await ada.open("/orders");
  await ada.fill("What", "A cup");
  await ada.press("Order");
  await ada.see("A cup is ordered.");
  await ada.press("Sign out");
  await ada.see("You are signed out.");
  await ada.close();
});

test("an engine that is away is told, and signs nobody out", async () => {
  const ada = await person(browser, server);
  await ada.register("Ada Lovelace", ada.email);
  await engine.stop();
  try {
    await ada.open("/");
    await ada.see("You stay signed in");
    assert.ok(!(await ada.header()).includes("Sign in"), JSON.stringify(await ada.header()));
    await ada.look("desktop-unavailable");
    // A page that must know who is there says that it cannot.
    assert.equal((await ada.html("/orders")).status, 503);
  } finally {
    await engine.start();
  }
  await ada.press("Try again");
  await ada.page.locator(".who").getByText("Ada Lovelace").waitFor();
  await ada.page.reload();
  await ada.hydrated();
  assert.equal(await ada.page.locator(".who").textContent(), "Ada Lovelace");
  await ada.close();
});

test("limits count people, not the app in front, and believe no address that a person names", async () => {
  const guess = (from, forwarded = {}) => statusFrom(from, "/api/auth/login", forwarded, { email: "ada@example.com", password: "guess" });
  for (let turn = 0; turn < 5; turn += 1) assert.equal(await guess("127.0.0.2"), 401);
  assert.equal(await guess("127.0.0.2"), 429);
  assert.equal(await guess("127.0.0.2", { "x-forwarded-for": "203.0.113.7" }), 429);
  assert.equal(await guess("127.0.0.3"), 401);
});

// `fetch` cannot choose the address that it comes from.
async function statusFrom(localAddress, path, headers, body) {
  const { hostname, port } = new URL(server.url);
  const sent = request({
    host: "127.0.0.1", port, path, method: "POST", localAddress,
    headers: { host: `${hostname}:${port}`, origin: server.url, "content-type": "application/json", ...headers },
  });
  sent.end(JSON.stringify(body));
  const [answer] = await once(sent, "response");
  answer.resume();
  return answer.statusCode;
}
