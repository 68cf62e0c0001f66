// One story through everything, for each change: from the sign-up over a reload to the sign-out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app } from "./processes.mjs";
import { launch, person } from "./world.mjs";

let browser, server;
before(async () => {
  browser = await launch();
  server = await app("cookie");
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test("sign-up, reload, order, sign-out and back to the wanted page", async () => {
  const ada = await person(browser, server);
  await ada.register("Ada Lovelace", ada.email);
  ada.asked();
  await ada.open("/orders");
  assert.deepEqual([await ada.header(), ada.asked()], [["Ada LovelaceSign out"], []]);
  await ada.fill("What", "A cup");
  await ada.press("Order");
  await ada.see("A cup is ordered.");
  await ada.press("Sign out");
  await ada.see("You are signed out.");
  await ada.open("/orders");
  await ada.at("/login");
  await ada.signIn(ada.email);
  await ada.at("/orders");
  await ada.see("A cup");
  assert.equal((await fetch(`${server.url}/api/orders`)).status, 401);
  await ada.close();
});
