// The local provider of @sidebase/nuxt-auth as published: with refresh tokens that stay, with refresh tokens that
// rotate, and without refresh. Tokens live for five seconds here and the app refreshes every two.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { build, complaints, deploy, launch, person, skip } from "./world.mjs";

const fixture = "sidebase";
const app = "sidebase-hurried";
const BAD = "these credentials do not match any user";
let browser;

before(async () => {
  if (skip) return;
  await build(app);
  browser = await launch();
});
after(() => browser?.close());

const hurried = { ADYTON_TOKEN_EXPIRATION: "5" };
const rotating = { ...hurried, ADYTON_TOKEN_ROTATION: "true" };
const ungraceful = { ...rotating, ADYTON_ROTATION_GRACE: "0" };
const provider = (settings) => (api) =>
  Object.fromEntries([
    ["NUXT_PUBLIC_AUTH_BASE_URL", `${api}/api/auth`],
    ...Object.entries(settings).map(([name, value]) => [`NUXT_PUBLIC_AUTH_PROVIDER_${name}`, value]),
  ]);
const modes = {
  "tokens that stay": { server: hurried, app: provider({}) },
  "tokens that rotate": { server: rotating, app: provider({ REFRESH_REFRESH_ONLY_TOKEN: "false" }) },
  "no refresh": { server: hurried, app: provider({ REFRESH_IS_ENABLED: "false" }) },
};

for (const [mode, options] of Object.entries(modes)) {
  const refreshes = mode !== "no refresh";
  describe(`@sidebase/nuxt-auth, ${mode}`, { skip }, () => {
    let world;
    before(async () => (world = await deploy(fixture, { config: "adyton.toml", built: app, ...options })));
    after(async () => {
      // The app's server refreshes for its visitors, and is no device of theirs.
      assert.doesNotMatch(world.serverLog(), /"device_mismatch"/);
      // A server that renders for somebody whose token has expired says so; nothing else may be said.
      const expired = /^Session: unable to extract session, .*\/api\/auth\/user": 401 Unauthorized$/;
      assert.deepEqual(complaints(world).filter((line) => refreshes || !expired.test(line)), []);
      await world.stop();
    });

    test("from sign-up to sign-out and back", async () => {
      const ada = await person(browser, world);
      await ada.register("Ada");
      await ada.at("/profile");
      await ada.is("Signed in as Ada");
      await ada.visit("/profile", "Signed in as Ada");
      const tab = await ada.open();
      await ada.visit("/", "Signed in as Ada", tab);
      await tab.close();
      const session = await secrets(ada);
      await ada.press("Sign out");
      await ada.is("Guest");
      await ada.at("/");
      assert.equal((await call(world, "GET", "/user", session.token)).status, 401);
      await ada.visit("/", "Guest");
      await ada.visit("/profile", "Guest");
      await ada.at("/login?redirect=/profile");
      await ada.signIn("Ada");
      await ada.at("/profile");
      await ada.is("Signed in as Ada");
      await ada.close();
    });

    test("a sign-up signs in with all that was typed, which is a second session", async () => {
      const bea = await person(browser, world);
      await bea.register("Bea");
      await bea.at("/profile");
      const [, login] = bea.calls.map(({ call }) => call);
      assert.equal(login, "POST /api/auth/login 200");
      const { token } = await secrets(bea);
      const { sessions } = await (await call(world, "GET", "/sessions", token)).json();
      assert.deepEqual(sessions.map(({ current }) => current).sort(), [false, true]);
      await bea.close();
    });

    test("a guest who asks for a protected page is sent to the sign-in", async () => {
      const guest = await person(browser, world);
      await guest.visit("/", "Guest");
      await guest.go("Profile");
      await guest.at("/login?redirect=/profile");
      guest.expect();
      await guest.close();
    });

    test("a wrong password is told, and nobody is signed in", async () => {
      const eve = await person(browser, world);
      await eve.visit("/login?redirect=/profile", "Guest");
      await eve.signIn("Nobody", "a wrong password");
      await eve.see(BAD);
      eve.expect("POST /api/auth/login 401");
      await eve.is("Guest");
      await eve.visit("/", "Guest");
      for (const name of ["auth.token", "auth.refresh-token"]) assert.equal(await eve.cookie(name), undefined);
      await eve.close();
    });

    test("what is wrong with a field is told at the field", async () => {
      const bob = await person(browser, world);
      await bob.register("Bob", { password: "short" });
      await bob.see("password: must have at least 8 characters");
      bob.expect("POST /api/auth/register 422");
      await bob.is("Guest");
      await bob.close();
    });

    if (refreshes) refreshStories(() => world, mode);
    else expiryStories(() => world);
  });
}

function refreshStories(world, mode) {
  test("who stays on a page stays signed in past the end of each token", async () => {
    const cleo = await person(browser, world());
    await cleo.register("Cleo");
    await cleo.at("/profile");
    const first = await secrets(cleo);
    const tab = mode === "tokens that stay" && (await cleo.open());
    if (tab) await cleo.visit("/profile", "Signed in as Cleo", tab);
    await pause(12_000);
    await cleo.is("Signed in as Cleo");
    if (tab) await cleo.is("Signed in as Cleo", tab);
    await tab?.close?.();
    const calls = cleo.calls.map(({ call }) => call).filter((call) => call.includes("/refresh"));
    assert.ok(calls.length >= 4, calls.join());
    assert.ok(cleo.calls.every(({ call }) => /20\d$/.test(call)), cleo.calls.map(({ call }) => call).join());
    const last = await secrets(cleo);
    assert.notEqual(last.token, first.token);
    await cleo.visit("/profile", "Signed in as Cleo");
    await cleo.press("Sign out");
    await cleo.is("Guest");
    const after = await call(world(), "POST", "/refresh", null, { refreshToken: last.refresh });
    assert.equal(after.status, 401);
    await cleo.close();
  });

  test("who comes back after the end of the token is signed in in the first HTML", async () => {
    const dan = await person(browser, world());
    await dan.register("Dan");
    await dan.at("/profile");
    await dan.page.goto("about:blank");
    await pause(6_000);
    await dan.visit("/profile", "Signed in as Dan");
    // The cookie of the access token may be gone by then, too.
    await dan.page.goto("about:blank");
    await dan.context.clearCookies({ name: "auth.token" });
    await dan.visit("/profile", "Signed in as Dan");
    await dan.close();
  });

  test("a page that has lost its access token gets another, with `Authorization: null`", async () => {
    const eli = await person(browser, world());
    // Nothing refreshes by itself here, as on a machine that was asleep.
    await eli.page.addInitScript(() => (window.setInterval = () => 0));
    await eli.register("Eli");
    await eli.at("/profile");
    await pause(6_000);
    await eli.press("Who am I?");
    await eli.is("Guest");
    eli.calls.length = 0;
    await eli.press("Refresh");
    await eli.is("Signed in as Eli");
    const [refresh] = eli.expect("POST /api/auth/refresh 200", "GET /api/auth/user 200");
    assert.equal(refresh.authorization, "null");
    await eli.close();
  });
}

function expiryStories(world) {
  test("at the end of the token one is a guest, in an open page and in the first HTML", async () => {
    const cleo = await person(browser, world());
    await cleo.register("Cleo");
    await cleo.at("/profile");
    await cleo.is("Guest");
    assert.match(cleo.calls.at(-1).call, /^GET \/api\/auth\/user 401$/);
    assert.equal(await cleo.cookie("auth.token"), undefined);
    // Another one, who is away when it ends.
    await cleo.visit("/login?redirect=/profile", "Guest");
    await cleo.signIn("Cleo");
    await cleo.at("/profile");
    await cleo.page.goto("about:blank");
    await pause(6_000);
    await cleo.visit("/", "Guest");
    await cleo.close();
  });
}

// What the guide warns of, so that it warns of nothing that has gone.
describe("@sidebase/nuxt-auth, what does not go", { skip }, () => {
  const open = (server, settings) =>
    deploy(fixture, { config: "adyton.toml", built: app, server, app: provider(settings) });

  test("with rotation `refreshOnlyToken` presents a replaced token, which ends the session", async () => {
    const world = await open(ungraceful, {});
    const ada = await person(browser, world);
    const ended = endedByReuse(ada);
    await ada.register("Ada");
    await ended;
    await world.stop();
  });

  test("with rotation a second tab does not learn of the new token, and ends the session", async () => {
    const world = await open(ungraceful, { REFRESH_REFRESH_ONLY_TOKEN: "false" });
    const ada = await person(browser, world);
    const ended = endedByReuse(ada);
    await ada.register("Ada");
    await ada.at("/profile");
    await (await ada.open()).goto("/profile");
    await ended;
    await world.stop();
  });

  test("where cookies are on, a sign-in from an allowed origin of the site brings no token", async () => {
    const world = await open({ ADYTON_SESSION_GUARD: "both" }, {});
    const ada = await person(browser, world);
    await ada.register("Ada");
    await ada.see("Invalid reference token: token");
    await ada.is("Guest");
    await ada.context.close();
    await world.stop();
  });

  test("`/session` answers with an object whoever asks, which counts as signed in", async () => {
    const world = await open({}, { ENDPOINTS_GET_SESSION_PATH: "/session", REFRESH_IS_ENABLED: "false" });
    const eve = await person(browser, world);
    await eve.context.addCookies([{ name: "auth.token", value: "adt_nobody", url: world.url }]);
    await eve.visit("/", "Signed in as undefined");
    await eve.context.close();
    await world.stop();
  });
});

async function endedByReuse(person) {
  const refused = (response) => response.url().endsWith("/refresh") && response.status() === 401;
  const answer = await person.context.waitForEvent("response", { predicate: refused, timeout: 20_000 });
  assert.equal((await answer.json()).code, "refresh_token_reused");
  await person.context.close();
}

async function secrets(person) {
  const value = async (name) => (await person.cookie(name))?.value;
  return { token: await value("auth.token"), refresh: await value("auth.refresh-token") };
}

function call(world, method, path, token, body) {
  const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
  return fetch(`${world.api}/api/auth${path}`, { method, headers, body: body && JSON.stringify(body) });
}
