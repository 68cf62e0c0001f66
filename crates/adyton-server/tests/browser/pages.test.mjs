// The account pages in a real browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, launch, person, serve } from "./world.mjs";

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
let browser, server;

before(async () => {
  browser = await launch();
  server = await serve();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function story(options, name) {
  const email = `${name}@example.com`;
  const scripts = options.javaScriptEnabled !== false;
  const ada = await person(browser, server, { permissions: ["clipboard-read", "clipboard-write"], ...options });

  await ada.page.goto("/account");
  ada.at("/account/login");
  await ada.look(`${name}-login`);
  await ada.page.getByRole("link", { name: "Create one" }).click();
  await ada.press("Create account");
  await ada.see("Name is required.");
  await ada.look(`${name}-register-problems`);
  await ada.register("Ada Lovelace", email);
  ada.at("/account");
  await ada.see("This device");

  await ada.page.getByRole("link", { name: "Tokens" }).click();
  await ada.look(`${name}-tokens-none`);
  await ada.fill("Name", "Backup script");
  await ada.fill("Abilities", "orders:read orders:write");
  await ada.page.getByLabel("Expires after").selectOption({ label: "30 days" });
  await ada.press("Create token");
  const token = await ada.page.locator("#token").textContent();
  assert.match(token, /^adt_[0-9A-Za-z]{49}$/);
  const copy = ada.page.getByRole("button", { name: "Copy", exact: true });
  await ada.look(`${name}-token-created`);
  if (scripts) {
    await copy.click();
    await ada.page.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await ada.page.evaluate(() => navigator.clipboard.readText()), token);
  } else {
    assert.equal(await copy.count(), 0);
  }
  const works = () => fetch(`${server.url}/api/auth/user`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await works()).status, 200);
  await ada.page.getByRole("link", { name: "I have copied it" }).click();
  await ada.see("Backup script");
  assert.ok(!(await ada.page.content()).includes(token));
  await ada.look(`${name}-tokens`);
  await ada.press("Revoke Backup script");
  await ada.see("The token is revoked.");
  assert.equal((await works()).status, 401);

  // Somebody else's browser, or their own second one.
  const other = await person(browser, server);
  await other.signIn(email);
  other.at("/account");
  await ada.page.goto("/account");
  await ada.look(`${name}-account`);
  await ada.page.getByRole("listitem").getByRole("button", { name: "Sign out" }).click();
  await ada.see("The device is signed out.");
  await other.page.reload();
  other.at("/account/login");
  await other.see("You were signed out on this device.");
  await other.close();

  await ada.page.getByRole("link", { name: "Password" }).click();
  await ada.fill("Current password", "wrong");
  await ada.fill("New password", "another horse 2");
  await ada.fill("New password again", "another horse 2");
  await ada.press("Change password");
  await ada.see("This is not your current password.");
  await ada.look(`${name}-password-problem`);
  await ada.fill("Current password", PASSWORD);
  await ada.fill("New password", "another horse 2");
  await ada.fill("New password again", "another horse 2");
  await ada.press("Change password");
  await ada.see("Your password is changed.");

  await ada.page.getByRole("link", { name: "Edit profile" }).click();
  await ada.look(`${name}-profile`);
  await ada.fill("Name", "Ada King <b>");
  await ada.press("Save");
  await ada.see("Ada King <b>");

  await ada.press("Sign out");
  await ada.see("You are signed out.");
  await ada.signIn(email, "wrong");
  await ada.see("The e-mail or the password is not right.");
  assert.equal(await ada.page.getByLabel("E-mail").inputValue(), email);
  assert.equal(await ada.page.getByLabel("Password").inputValue(), "");
  await ada.look(`${name}-login-wrong`);
  await ada.signIn(email, "another horse 2");
  await ada.page.getByRole("link", { name: "Delete…" }).click();
  await ada.look(`${name}-delete`);
  await ada.fill("Password", "another horse 2");
  await ada.press("Delete my account");
  await ada.see("Your account is deleted.");
  await ada.signIn(email, "another horse 2");
  await ada.see("The e-mail or the password is not right.");
  await ada.close();
}

test("an account from its beginning to its end", () => story({}, "desktop"));

test("the same without scripts", () => story({ javaScriptEnabled: false }, "scriptless"));

test("the same on a phone", () => story(PHONE, "phone"));

test("the same on the narrowest phone, in the dark", () =>
  story({ viewport: { width: 320, height: 568 }, colorScheme: "dark" }, "narrow"));

test("the same in the dark", () => story({ colorScheme: "dark" }, "dark"));

test("signing in with the keyboard alone", async () => {
  const grace = await person(browser, server);
  await grace.register("Grace", "grace@example.com");
  await grace.press("Sign out");
  await grace.page.goto("/account/tokens");
  grace.at("/account/login");
  const { keyboard } = grace.page;
  // A page focuses what it wants a moment after it is there.
  const focused = (expected) => grace.page.waitForFunction((expected) => {
    const { name, textContent } = document.activeElement;
    return (name || textContent.trim()) === expected;
  }, expected, { timeout: 5000 });
  await focused("email");
  await keyboard.type("grace@example.com");
  for (const expected of ["password", "remember", "Sign in"]) {
    await keyboard.press("Tab");
    await focused(expected);
    if (expected === "password") await keyboard.type("wrong");
  }
  await keyboard.press("Enter");
  await grace.see("The e-mail or the password is not right.");
  await focused("The e-mail or the password is not right.");
  for (const expected of ["email", "password"]) {
    await keyboard.press("Tab");
    await focused(expected);
  }
  await keyboard.type(PASSWORD);
  await keyboard.press("Tab");
  await keyboard.press("Space");
  await keyboard.press("Enter");
  await grace.page.getByRole("heading", { name: "Personal tokens" }).waitFor();
  grace.at("/account/tokens");
  await grace.page.evaluate(() => document.activeElement.blur());
  await keyboard.press("Tab");
  await focused("Skip to content");
  const cookie = (await grace.context.cookies()).find(({ name }) => name === "adyton_session");
  assert.ok(cookie.httpOnly && cookie.sameSite === "Lax" && cookie.expires > Date.now() / 1000 + 80 * 86_400);
  await grace.close();
});

test("what others name does not become markup", async () => {
  const mallory = await person(browser, server, { userAgent: "<img src=x onerror=alert(1)>" });
  await mallory.register("<script>alert(1)</script>", "mallory@example.com");
  await mallory.see("<script>alert(1)</script>");
  await mallory.page.goto("/account/tokens?done=<script>alert(1)</script>");
  await mallory.fill("Name", "\"><script>alert(1)</script>");
  await mallory.press("Create token");
  await mallory.see("\"><script>alert(1)</script>");
  await mallory.page.goto("/account/tokens");
  await mallory.see("\"><script>alert(1)</script>");
  await mallory.look("markup");
  assert.equal(await mallory.page.locator("main script, main img").count(), 0);
  await mallory.close();
});

test("another site's form changes nothing and is explained", async () => {
  const eve = await person(browser, server);
  await eve.register("Eve", "eve@example.com");
  // The same server under another name is another site.
  const other = server.url.replace("localhost", "evil.localhost");
  await eve.context.route(`${other}/trap`, (route) => route.fulfill({
    contentType: "text/html",
    body: `<form method="post" action="${server.url}/account/devices/end-others"><button>Win</button></form>`,
  }));
  await eve.page.goto(`${other}/trap`);
  eve.problems.length = 0;
  await eve.press("Win");
  await eve.see("This form was not accepted");
  await eve.look("csrf");
  await eve.close();
});

test("a host that nobody named is explained", async () => {
  const stranger = await person(browser, server, { baseURL: undefined });
  await stranger.page.route("http://named.example/**", async (route) => {
    // As a DNS record of somebody else's would lead here.
    const url = route.request().url().replace("http://named.example", server.url);
    const response = await route.fetch({ url, headers: { ...route.request().headers(), host: "named.example" } });
    await route.fulfill({ response });
  });
  await stranger.page.goto("http://named.example/account");
  await stranger.see("Nobody can sign in at this address");
  await stranger.look("host");
  assert.equal(await stranger.page.getByRole("link", { name: "Go to your account" }).count(), 0);
});

test("signing in leads on to another front end, if it is allowed", async () => {
  const app = "http://app.localhost:4321";
  const other = await serve({ ADYTON_ALLOWED_ORIGINS: app });
  const ada = await person(browser, other);
  await ada.context.route(`${app}/**`, (route) => route.fulfill({ contentType: "text/html", body: "The orders" }));
  await ada.page.goto(`/account/login?next=${app}/orders`);
  await ada.page.getByRole("link", { name: "Create one" }).click();
  await ada.fill("Name", "Ada");
  await ada.fill("E-mail", "ada@example.com");
  await ada.fill("Password", PASSWORD);
  await ada.fill("Password again", PASSWORD);
  await ada.press("Create account");
  await ada.see("The orders");
  assert.equal(ada.page.url(), `${app}/orders`);
  assert.deepEqual(ada.problems.filter((problem) => !problem.includes(app)), []);
  await ada.context.close();
  await other.stop();
});
