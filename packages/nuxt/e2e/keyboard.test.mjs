// Signing up and in with the keyboard alone, and the wait after too many attempts.

import { after, before, test } from "node:test";
import { app } from "./processes.mjs";
import { PASSWORD, launch, person } from "./world.mjs";

let browser, server;
before(async () => {
  browser = await launch();
  server = await app("cookie");
});
after(async () => {
  await browser?.close();
  await server?.close();
});

test("signing up and in with the keyboard alone", async () => {
  const grace = await person(browser, server);
  const { keyboard } = grace.page;
  const focused = (expected) => grace.page.waitForFunction((expected) => {
    const { name, textContent } = document.activeElement;
    return (name || textContent.trim()) === expected;
  }, expected, { timeout: 20_000 });
  const tabTo = async (expected) => {
    await keyboard.press("Tab");
    await focused(expected);
  };

  await grace.open("/");
  await tabTo("Skip to content");
  await keyboard.press("Enter");
  await tabTo("Create account");
  await keyboard.press("Enter");
  await focused("name");
  await keyboard.type("Grace Hopper");
  for (const [field, text] of [["email", grace.email], ["password", PASSWORD], ["passwordConfirmation", PASSWORD]]) {
    await tabTo(field);
    await keyboard.type(text);
  }
  await tabTo("Create account");
  await keyboard.press("Enter");
  await grace.see("Welcome, Grace Hopper");

  await grace.page.getByTestId("person").getByRole("button").focus();
  await keyboard.press("Space");
  await grace.see("You are signed out.");
  await focused("You are signed out.");
  await tabTo("email");
  await keyboard.type(grace.email);
  await tabTo("password");
  await keyboard.type("wrong");
  await keyboard.press("Enter");
  await grace.page.locator(".summary:focus").waitFor();
  await tabTo("email");
  await tabTo("password");
  await keyboard.press("Control+A");
  await keyboard.type(PASSWORD);
  await keyboard.press("Enter");
  await grace.see("Welcome, Grace Hopper");
  await grace.close();
});

test("too many attempts are told with their wait", async () => {
  const eve = await person(browser, server);
  await eve.open("/login");
  for (let attempt = 0; attempt < 6; attempt += 1) {
    await eve.signIn("nobody@example.com", { password: `guess ${attempt}` });
    await eve.page.locator("button[type=submit][aria-busy=false]").waitFor();
    await eve.page.locator(".summary").waitFor();
  }
  await eve.page.getByRole("button", { name: /^Try again in \d+ s$/ }).waitFor();
  await eve.look("desktop-too-many");
  await eve.close();
});
