// Who is let in, who is led to the sign-in and back, and who is told that a page is not for them.

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

test("a guest is led to the sign-in, and back to the wanted page", async () => {
  const ada = await person(browser, server);
  await ada.register("Ada Lovelace", ada.email);
  await ada.press("Sign out");
  await ada.at("/login");
  await ada.open("/orders?from=mail#new");
  await ada.at("/login");
  await ada.signIn(ada.email);
  await ada.at("/orders");
  assert.match(ada.page.url(), /\/orders\?from=mail/);
  await ada.see("Your orders");
  // Who is signed in has no business at the sign-in.
  await ada.open("/login");
  await ada.at("/");
  await ada.open("/register");
  await ada.at("/");
  await ada.close();
});

test("no address leads the sign-in off to another site", async () => {
  const ada = await person(browser, server);
  await ada.register("Ada Lovelace", ada.email);
  const elsewhere = ["https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/%09/evil.example", "javascript:alert(1)", "/\t/evil.example"];
  for (const target of elsewhere) {
    await ada.press("Sign out");
    await ada.at("/login");
    await ada.open(`/login?redirect=${encodeURIComponent(target)}`);
    await ada.signIn(ada.email);
    await ada.see("Sign out");
    assert.equal(new URL(ada.page.url()).origin, server.url, target);
  }
  await ada.close();
});

test("a session ended from another device leads to the sign-in and back", async () => {
  const ada = await person(browser, server);
  await ada.register("Ada Lovelace", ada.email);
  const phone = await person(browser, server);
  await phone.open("/login");
  await phone.signIn(ada.email);
  await phone.see("Welcome");

  await ada.open("/devices");
  await ada.page.getByRole("listitem").getByRole("button", { name: /^Sign out/ }).click();
  await ada.see("The device is signed out.");
  // The phone learns of it from the first thing that it does.
  await phone.follow("Orders");
  await phone.at("/login");
  await phone.see("You were signed out on this device.");
  await phone.signIn(ada.email);
  await phone.at("/orders");
  await phone.see("Your orders");
  await ada.close();
  await phone.close();
});

test("a page that needs an ability tells which, with its status", async () => {
  const ada = await person(browser, server);
  await ada.register("Ada Lovelace", ada.email);
  await ada.follow("Admin");
  await ada.see("This process");
  await ada.press("Sign out");
  await ada.at("/login");
  await ada.signIn(ada.email, { access: "Account and reports" });
  await ada.see("Welcome");
  await ada.follow("Reports");
  await ada.see("All orders");
  await ada.follow("Admin");
  await ada.see("This page is not for you");
  await ada.press("Go to the start page");
  await ada.at("/");
  const answer = await ada.html("/admin");
  assert.equal(answer.status, 403);
  assert.match(await answer.text(), /This page is not for you/);
  const api = await ada.page.evaluate(() => fetch("/api/admin/process").then(async (answer) => [answer.status, await answer.json()]));
  assert.equal(api[0], 403);
  assert.deepEqual(api[1].missing ?? api[1].data?.missing, ["admin"]);
  await ada.close();
});

test("the app's own routes need a credential, but for those that are listed", async () => {
  const status = async (path, init) => (await fetch(server.url + path, init)).status;
  assert.equal(await status("/api/orders"), 401);
  assert.equal(await status("/api/orders", { method: "POST" }), 401);
  assert.equal(await status("/api/admin/process"), 401);
  assert.equal(await status("/api/public/prices?at=home"), 200);
  assert.equal(await status("/api/public/prices", { method: "POST" }), 401);
  assert.equal(await status("/api/orders", { headers: { authorization: "Bearer adt_nonsense" } }), 401);
});
