// nuxt-auth-sanctum as published: by cookie, by cookie through its own proxy, and by token.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PASSWORD, build, complaints, deploy, email, launch, person, skip } from "./world.mjs";

const fixture = "nuxt-auth-sanctum";
const BAD = "these credentials do not match any user";
let browser;

before(async () => {
  if (skip) return;
  await build(fixture);
  browser = await launch();
});
after(() => browser?.close());

// The module keeps one configuration for the app's server and one for its pages.
const places = (server, pages, mode) => ({
  NUXT_SANCTUM_BASE_URL: server,
  NUXT_PUBLIC_SANCTUM_BASE_URL: pages,
  NUXT_SANCTUM_MODE: mode,
  NUXT_PUBLIC_SANCTUM_MODE: mode,
});
const modes = {
  cookie: { config: "adyton.cookie.toml", app: (api) => places(api, api, "cookie") },
  proxy: {
    config: "adyton.cookie.toml",
    app: (api, own) => ({ ...places(api, `${own}/api/sanctum`, "cookie"), NUXT_SANCTUM_SERVER_PROXY_BASE_URL: api }),
  },
  token: { config: "adyton.token.toml", app: (api) => places(api, api, "token") },
};

for (const [mode, options] of Object.entries(modes)) {
  const byToken = mode === "token";
  // What a change must be sent with.
  const proven = (headers) => (byToken ? headers.authorization?.startsWith("Bearer adt_") : !!headers["x-xsrf-token"]);

  describe(`nuxt-auth-sanctum, ${mode}`, { skip }, () => {
    let world;
    before(async () => (world = await deploy(fixture, options)));
    after(async () => {
      assert.deepEqual(complaints(world), []);
      await world.stop();
    });

    test("from sign-up to sign-out and back", async () => {
      const ada = await person(browser, world);
      await ada.register("Ada");
      await ada.at("/profile");
      await ada.is("Signed in as Ada");
      await ada.see("1 session of this browser");
      // The module has no sign-up: by token the app signs in after it.
      const login = byToken ? ["POST /login 200"] : [];
      ada.expect("POST /register 201", ...login, "GET /api/user 200", "GET /api/auth/sessions 200");
      await ada.visit("/profile", "Signed in as Ada");
      await ada.visit("/", "Signed in as Ada", await ada.open());
      ada.expect();
      await ada.press("Sign out");
      await ada.at("/");
      await ada.is("Guest");
      assert.ok(proven(ada.expect("POST /logout 204")[0]));
      await ada.visit("/", "Guest");
      await ada.go("Profile");
      await ada.at("/login?redirect=/profile");
      await ada.signIn("Ada");
      await ada.at("/profile");
      await ada.is("Signed in as Ada");
      await ada.close();
    });

    test("a guest who asks for a protected page is sent to the sign-in, by the server too", async () => {
      const guest = await person(browser, world);
      await guest.visit("/profile", "Guest");
      await guest.at("/login?redirect=/profile");
      guest.expect();
      await guest.close();
    });

    test("a wrong password is told, and nobody is signed in", async () => {
      const eve = await person(browser, world);
      await eve.visit("/login", "Guest");
      await eve.signIn("Nobody", "a wrong password");
      await eve.see(BAD);
      eve.expect("POST /login 401");
      await eve.is("Guest");
      await eve.visit("/", "Guest");
      for (const name of ["adyton_session", "sanctum.token.cookie"]) assert.equal(await eve.cookie(name), undefined);
      await eve.close();
    });

    test("what is wrong with a field is told at the field", async () => {
      const bob = await person(browser, world);
      await bob.register("Bob", { password: "short", again: "shorter" });
      await bob.see("password: must have at least 8 characters");
      await bob.fill("Password", PASSWORD);
      await bob.fill("Password again", "something else");
      await bob.press("Create account");
      await bob.see("does not match");
      bob.expect("POST /register 422", "POST /register 422");
      await bob.is("Guest");
      await bob.close();
    });

    test("profile and password are changed, each time with the proof that it was this page", async () => {
      const grace = await person(browser, world);
      await grace.register("Grace");
      await grace.at("/profile");
      await grace.see("1 session of this browser");
      grace.calls.length = 0;
      await grace.fill("New name", "Amazing Grace");
      await grace.press("Rename");
      await grace.is("Signed in as Amazing Grace");
      assert.ok(proven(grace.expect("PATCH /api/auth/user 200", "GET /api/user 200")[0]));
      await grace.fill("Current password", "not it");
      await grace.fill("New password", `${PASSWORD} 2`);
      await grace.press("Change password");
      await grace.see("currentPassword");
      assert.ok(proven(grace.expect("PUT /api/auth/user/password 422")[0]));
      await grace.fill("Current password", PASSWORD);
      await grace.press("Change password");
      await grace.see("Saved");
      assert.ok(proven(grace.expect("PUT /api/auth/user/password 204", "GET /api/user 200")[0]));
      await grace.visit("/profile", "Signed in as Amazing Grace");
      await grace.close();
    });

    test("a session that was ended elsewhere is over at the next call", async () => {
      const dora = await person(browser, world);
      await dora.register("Dora");
      await dora.at("/profile");
      await dora.see("1 session of this browser");
      dora.calls.length = 0;
      await endOtherSessions(world, "Dora");
      await dora.press("Rename");
      await dora.is("Guest");
      dora.expect("PATCH /api/auth/user 401");
      await dora.visit("/profile", "Guest");
      await dora.at("/login?redirect=/profile");
      const [warning, ...others] = dora.problems.splice(0);
      assert.match(warning, /User session is not set in API or expired, resetting identity/);
      assert.deepEqual(others, []);
      await dora.close();
    });

    if (!byToken) cookieStories(() => world);
  });
}

// What the guide warns of, so that it warns of nothing that has gone.
test("nuxt-auth-sanctum by token gets none where cookies are on", { skip }, async () => {
  const world = await deploy(fixture, { config: "adyton.cookie.toml", app: modes.token.app });
  const ada = await person(browser, world);
  await ada.register("Ada");
  await ada.see("Token was not returned from the API");
  await ada.is("Guest");
  await ada.context.close();
  await world.stop();
});

function cookieStories(world) {
  test("a browser without a token fetches one first", async () => {
    const fay = await person(browser, world());
    await fay.visit("/login", "Guest");
    await fay.context.clearCookies({ name: "XSRF-TOKEN" });
    await fay.signIn("Nobody", "a wrong password");
    await fay.see(BAD);
    const [, login] = fay.expect("GET /sanctum/csrf-cookie 204", "POST /login 401");
    assert.equal(login["x-xsrf-token"], (await fay.cookie("XSRF-TOKEN")).value);
    await fay.close();
  });

  test("the cookie lasts beyond the browser only if one asks for it", async () => {
    const hal = await person(browser, world());
    await hal.register("Hal");
    await hal.at("/profile");
    assert.equal((await hal.cookie("adyton_session")).expires, -1);
    await hal.press("Sign out");
    await hal.at("/");
    await hal.go("Profile");
    await hal.page.getByLabel("Remember me").check();
    await hal.signIn("Hal");
    await hal.at("/profile");
    const { expires, httpOnly, sameSite } = await hal.cookie("adyton_session");
    assert.ok(expires > Date.now() / 1000 + 80 * 24 * 3600, String(expires));
    assert.deepEqual([httpOnly, sameSite], [true, "Lax"]);
    await hal.close();
  });

  test("the token that the module reads is the one that counts, and foreign pages are refused", async () => {
    const ivy = await person(browser, world());
    await ivy.register("Ivy");
    await ivy.at("/profile");
    const cookies = (await ivy.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
    const rename = async (headers) => {
      const body = JSON.stringify({ name: "Ivy" });
      const all = { cookie: cookies, "content-type": "application/json", ...headers };
      return (await fetch(`${world().api}/api/auth/user`, { method: "PATCH", headers: all, body })).status;
    };
    const token = { "x-xsrf-token": (await ivy.cookie("XSRF-TOKEN")).value };
    assert.equal(await rename(token), 200);
    assert.equal(await rename({}), 419);
    assert.equal(await rename({ "x-xsrf-token": "x1" }), 419);
    assert.equal(await rename({ ...token, origin: "http://evil.example" }), 419);
    await ivy.close();
  });
}

// As from another device.
async function endOtherSessions(world, name) {
  const call = (method, path, headers, body) =>
    fetch(`${world.api}/api/auth${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body && JSON.stringify(body),
    });
  const { token } = await (await call("POST", "/login", {}, { email: email(name), password: PASSWORD })).json();
  assert.equal((await call("DELETE", "/sessions", { authorization: `Bearer ${token}` })).status, 204);
}
