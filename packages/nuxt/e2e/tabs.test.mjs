// Several tabs of one browser: one refresher, one state.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app, eventsOf } from "./processes.mjs";
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
  await tab.page.getByTestId("person").getByText("Sign in").waitFor({ timeout: 20_000 });
  await ada.at("/login");
  await ada.signIn(ada.email);
  await ada.see("Welcome");
  await tab.page.getByTestId("person").getByText("Ada Lovelace").waitFor({ timeout: 20_000 });
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
  const seen = [];
  const work = async ({ page, fill, press, see }, pace) => {
    for (let order = 1, end = Date.now() + 60_000; Date.now() < end; order += 1) {
      await fill("What", `Cup ${pace} ${order}`);
      await press("Order");
      await see(`Cup ${pace} ${order} is ordered.`);
      seen.push(await page.getByTestId("person").textContent());
      await page.waitForTimeout(pace);
    }
  };
  await Promise.all([work(tabs[0], 700), work(tabs[1], 1600), work(tabs[2], 2500)]);

  const refused = ada.answers.filter(({ status }) => status >= 400);
  assert.deepEqual(refused, []);
  const refreshes = ada.answers.filter(({ path }) => path === "/api/auth/refresh").length;
  assert.ok(refreshes >= 10 && refreshes <= 30, `${refreshes} refreshes in a minute`);
  assert.ok(seen.every((text) => text.includes("Ada Lovelace")), "a tab forgot who it is");
  const events = await eventsOf(server);
  assert.ok(events.includes("session_renewed"), events.join(" "));
  assert.deepEqual(events.filter((kind) => /reuse|revoked|expired/.test(kind)), []);
  await ada.page.reload();
  await ada.see("Sign out");
  await ada.close();
  await server.close();
});
