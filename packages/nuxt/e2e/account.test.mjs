// An account from its beginning to its end, on a desktop in the light and on a phone in the dark.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app } from "./processes.mjs";
import { PASSWORD, PHONE, launch, person } from "./world.mjs";

let browser, server;
before(async () => {
  browser = await launch();
  server = await app("cookie");
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function story(name, options) {
  const ada = await person(browser, server, { permissions: ["clipboard-read", "clipboard-write"], ...options });
  const { page } = ada;

  await ada.open("/");
  await ada.see("Create account");
  await ada.look(`${name}-home-guest`);
  for (const path of ["/prices", "/news"]) {
    await ada.open(path);
    await ada.look(name + path.replace("/", "-"));
  }

  await ada.open("/register");
  await ada.press("Create account");
  await ada.see("Name is required.");
  assert.equal(await page.evaluate(() => document.activeElement.name), "name");
  await ada.look(`${name}-register-problems`);
  await ada.register("Ada Lovelace", ada.email);
  await ada.at("/");
  await ada.see("Welcome, Ada Lovelace");
  await ada.look(`${name}-home`);

  await ada.follow("Orders");
  await ada.fill("What", "Two espressi");
  await ada.press("Order");
  await ada.see("Two espressi is ordered.");
  await ada.fill("What", " ");
  await ada.press("Order");
  await ada.see("Say what you want.");
  await ada.look(`${name}-orders`);
  await ada.follow("Reports");
  await ada.see("All orders");
  await ada.look(`${name}-reports`);
  await ada.follow("Admin");
  await ada.see("Session cookie");
  await ada.look(`${name}-admin`);

  await ada.follow("Account");
  await ada.follow("Tokens");
  await ada.look(`${name}-tokens-none`);
  await ada.fill("Name", "Backup script");
  await ada.fill("Abilities", "orders:read reports");
  await page.getByLabel("Expires after").selectOption({ label: "30 days" });
  await ada.press("Create token");
  await ada.see("Copy it now:");
  const token = await page.getByTestId("token").textContent();
  assert.match(token, /^adt_[0-9A-Za-z]{49}$/);
  await ada.look(`${name}-token-created`);
  await ada.press("Copy");
  await page.getByRole("button", { name: "Copied", exact: true }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  const reports = () => fetch(`${server.url}/api/reports`, { headers: { authorization: `Bearer ${token}` } });
  const admin = () => fetch(`${server.url}/api/admin/process`, { headers: { authorization: `Bearer ${token}` } });
  assert.deepEqual([(await reports()).status, (await admin()).status], [200, 403]);
  await ada.press("I have copied it");
  assert.ok(!(await page.content()).includes(token));
  await ada.look(`${name}-tokens`);
  await ada.press("Revoke Backup script");
  await ada.see("The token is revoked.");
  assert.equal((await reports()).status, 401);

  const other = await person(browser, server);
  await other.open("/login");
  await other.signIn(ada.email);
  await other.see("Welcome, Ada Lovelace");
  const third = await person(browser, server);
  await third.open("/login");
  await third.signIn(ada.email);
  await third.see("Welcome, Ada Lovelace");
  await ada.follow("Devices");
  await ada.see("This device");
  await ada.look(`${name}-devices`);
  await page.getByRole("listitem").getByRole("button", { name: /^Sign out/ }).first().click();
  await ada.see("The device is signed out.");
  assert.equal(await page.getByRole("main").getByRole("listitem").count(), 2);
  await ada.press("Sign out all other devices");
  await ada.see("All other devices are signed out.");
  assert.equal(await page.getByRole("main").getByRole("listitem").count(), 1);
  for (const device of [other, third]) {
    await device.open("/orders");
    await device.at("/login");
    await device.close();
  }

  await ada.follow("Profile");
  await ada.fill("Name", "Ada King <b>");
  await ada.press("Save");
  await ada.see("Your profile is saved.");
  assert.equal(await page.getByTestId("person").locator(".who").textContent(), "Ada King <b>");
  await ada.fill("Current password", "wrong");
  await ada.fill("New password", "another horse 2");
  await ada.fill("New password again", "another hors");
  await ada.press("Change password");
  await ada.see("New password again is not the same");
  await ada.fill("New password again", "another horse 2");
  await ada.press("Change password");
  await page.locator("[name=currentPassword][aria-invalid=true]").waitFor();
  await ada.look(`${name}-profile-problem`);
  await ada.fill("Current password", PASSWORD);
  await ada.fill("New password", "another horse 2");
  await ada.fill("New password again", "another horse 2");
  await ada.press("Change password");
  await ada.see("Your password is changed");

  await page.getByTestId("person").getByRole("button").click();
  await ada.at("/login");
  await ada.see("You are signed out.");
  await ada.signIn(ada.email);
  await page.locator(".summary").waitFor();
  await ada.look(`${name}-login-wrong`);
  await ada.signIn(ada.email, { password: "another horse 2", access: "Account and reports" });
  await ada.see("Welcome, Ada King <b>");
  await ada.follow("Admin");
  await ada.see("This page is not for you");
  await ada.look(`${name}-forbidden`);
  await ada.press("Go to the start page");
  await ada.follow("Account");
  await page.getByRole("region", { name: "Delete account" }).getByLabel("Password").fill("another horse 2");
  await ada.press("Delete my account");
  await ada.see("Your account is deleted.");
  await ada.open("/nowhere");
  await ada.see("There is no such page");
  await ada.look(`${name}-not-found`);
  await ada.close();
}

test("on a desktop", () => story("desktop", {}));
test("on a phone, in the dark", () => story("phone", { ...PHONE, colorScheme: "dark" }));
test("on the narrowest phone", () => story("narrow", { viewport: { width: 320, height: 568 } }));
