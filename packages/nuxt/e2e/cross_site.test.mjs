// What a page of another site may not do in the name of who is signed in here.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { app } from "./processes.mjs";
import { launch, person } from "./world.mjs";

let browser, server, evil;
before(async () => {
  browser = await launch();
  server = await app("cookie");
  evil = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(EVIL(server.url))).listen(0, "127.0.0.1");
  await once(evil, "listening");
});
after(async () => {
  evil?.close();
  await browser?.close();
  await server?.close();
});

// On another port it is another origin of the same site, so that the Lax cookie is sent; on another name it is another site.
const EVIL = (url) => `<!doctype html><title>Win a cup</title>
  <form id="order" method="post" action="${url}/api/orders" enctype="text/plain"><input name='{"item":"forged' value='"}'></form>
  <form id="logout" method="post" action="${url}/api/auth/logout" enctype="text/plain"><input name="{}" value=""></form>`;

for (const host of ["localhost", "evil.localhost"]) {
  for (const form of ["order", "logout"]) {
    test(`a form of ${host} on another port that forges: ${form}`, async () => {
      const ada = await person(browser, server, { acceptDownloads: false });
      await ada.register("Ada Lovelace", ada.email);
      const lure = await ada.context.newPage();
      await lure.goto(`http://${host}:${evil.address().port}/`);
      const [answer] = await Promise.all([
        lure.waitForResponse((response) => response.request().method() === "POST"),
        lure.evaluate((id) => document.getElementById(id).submit(), form),
      ]);
      assert.ok([401, 403, 415].includes(answer.status()), `${answer.status()}`);
      await ada.open("/orders");
      assert.equal(await ada.page.locator(".who").textContent(), "Ada Lovelace");
      await ada.see("None yet.");
      await ada.context.close();
    });
  }
}

test("a script of another origin gets no answer and changes nothing", async () => {
  const ada = await person(browser, server, { acceptDownloads: false });
  await ada.register("Ada Lovelace", ada.email);
  const lure = await ada.context.newPage();
  await lure.goto(`http://localhost:${evil.address().port}/`);
  const tried = await lure.evaluate((url) => Promise.all(["/api/orders", "/api/auth/user", "/api/auth/logout"].map((path) =>
    fetch(url + path, { method: path.endsWith("user") ? "GET" : "POST", credentials: "include", body: path.endsWith("user") ? undefined : "{}" })
      .then((answer) => answer.status, () => "refused"))), server.url);
  assert.deepEqual(tried, ["refused", "refused", "refused"]);
  await ada.open("/orders");
  await ada.see("None yet.");
  await ada.context.close();
});

test("the page's own order passes, and a bare one with the cookie alone does not", async () => {
  const ada = await person(browser, server, { acceptDownloads: false });
  await ada.register("Ada Lovelace", ada.email);
  await ada.open("/orders");
  await ada.fill("What", "A cup");
  await ada.press("Order");
  await ada.see("A cup is ordered.");
  const cookie = (await ada.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const bare = await fetch(`${server.url}/api/orders`, {
    method: "POST", headers: { cookie, "content-type": "application/json" }, body: '{"item":"bare"}',
  });
  assert.equal(bare.status, 403);
  await ada.close();
});
