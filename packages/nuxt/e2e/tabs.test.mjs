// Several tabs of one browser: one refresher, one state.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app } from "./processes.mjs";
import { launch, person } from "./world.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test("a sign-out shows in the other tab, and a sign-in too", async () => {
  const server = await app("cookie");
  const ada = await person(browser, server);
  await ada.register("Ada Lovelace", ada.email);
  const tab = await ada.tab();
  await tab.open("/");
  await ada.press("Sign out");
  await tab.page.getByTestId("person").getByText("Sign in").waitFor({ timeout: 5000 });
  await ada.at("/login");
  await ada.signIn(ada.email);
  await ada.see("Welcome");
  await tab.page.getByTestId("person").getByText("Ada Lovelace").waitFor({ timeout: 5000 });
  await ada.close();
  await server.close();
});

test("three tabs with a token of five seconds, for a minute", async () => {
  const server = await app("token");
  const ada = await person(browser, server);
  await ada.register("Ada Lovelace", ada.email);
  const tabs = [ada, await ada.tab(), await ada.tab()];
  for (const tab of tabs) await tab.open("/orders");
  ada.asked();

  // Each tab works on at its own pace, as its page would.
  const work = ([every, orders]) => (async () => {
    const { page } = tabs[every];
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      await page.getByLabel("What", { exact: true }).fill(`Cup ${orders.length}`);
      await page.getByRole("button", { name: "Order", exact: true }).click();
      await page.getByText(`Cup ${orders.length} is ordered.`).waitFor({ timeout: 8000 });
      orders.push(await page.getByTestId("person").textContent());
      await page.waitForTimeout(700 + 900 * every);
    }
  })();
  const seen = [[], [], []];
  await Promise.all(seen.map((orders, every) => work([every, orders])));

  const refused = ada.answers.filter(({ status }) => status >= 400);
  assert.deepEqual(refused, []);
  const refreshes = ada.answers.filter(({ path }) => path === "/api/auth/refresh").length;
  assert.ok(refreshes >= 10 && refreshes <= 30, `${refreshes} refreshes in a minute`);
  assert.ok(seen.flat().every((text) => text.includes("Ada Lovelace")), "a tab forgot who it is");
  const events = await sessionsOf(ada);
  assert.equal(events.filter(({ current }) => current).length, 1);
  await ada.page.reload();
  await ada.see("Sign out");
  await ada.close();
  await server.close();
});

async function sessionsOf(ada) {
  await ada.open("/devices");
  const count = await ada.page.getByRole("main").getByRole("listitem").count();
  return Array.from({ length: count }, () => ({ current: true }));
}
