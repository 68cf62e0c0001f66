// A server that goes away and comes back signs nobody out; nor does a network that fails.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app } from "./processes.mjs";
import { launch, person } from "./world.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

for (const variant of ["cookie", "token"]) {
  test(`a restart in the middle, signed in by ${variant}`, async () => {
    const server = await app(variant);
    const ada = await person(browser, server);
    await ada.register("Ada Lovelace", ada.email);
    await ada.open("/orders");
    await server.stop();
    // Long enough for a token of five seconds to die meanwhile.
    await ada.page.waitForTimeout(6000);
    await ada.fill("What", "A cup too early");
    await ada.press("Order");
    await ada.page.locator("main .summary").waitFor();
    await server.start();
    await ada.press("Order");
    await ada.see("A cup too early is ordered.");
    await ada.page.reload();
    await ada.hydrated();
    assert.equal(await ada.page.locator(".who").textContent(), "Ada Lovelace");
    await ada.close();
    await server.close();
  });

  test(`offline for a while, signed in by ${variant}`, async () => {
    const server = await app(variant);
    const ada = await person(browser, server);
    await ada.register("Ada Lovelace", ada.email);
    await ada.open("/orders");
    await ada.context.setOffline(true);
    await ada.fill("What", "A cup from the train");
    await ada.press("Order");
    await ada.page.locator("main .summary").waitFor();
    await ada.page.waitForTimeout(7000);
    assert.equal(await ada.page.locator(".who").textContent(), "Ada Lovelace");
    await ada.context.setOffline(false);
    await ada.press("Order");
    await ada.see("A cup from the train is ordered.");
    await ada.close();
    await server.close();
  });
}
