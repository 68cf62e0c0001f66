// One story through everything, for each change: from the sign-up over a reload to the sign-out, with the engine in the
// app and with the engine behind it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { adyton, app } from "./processes.mjs";
import { launch, person } from "./world.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test("the engine in the app", () => withApp("cookie", {}));

test("the engine behind the app", async () => {
  const engine = await adyton({ ADYTON_SERVER__TRUSTED_PROXIES: "127.0.0.1/32" });
  await withApp("server", { NUXT_ADYTON_BASE_URL: engine.url });
  await engine.close();
});

async function withApp(variant, variables) {
  const server = await app(variant, variables);
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
  await server.close();
}
