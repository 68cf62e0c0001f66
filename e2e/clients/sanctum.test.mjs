// nuxt-auth-sanctum as published: by cookie, by cookie through its own proxy, and by token.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PASSWORD, build, complaints, deploy, launch, person, skip } from "./world.mjs";

const fixture = "nuxt-auth-sanctum";
let browser;

before(async () => {
  if (skip) return;
  await build(fixture);
  browser = await launch();
});
after(() => browser?.close());

// The module keeps one configuration for the app's server and one for its pages.
const both = (variables) =>
  Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => [
      [`NUXT_SANCTUM_${name}`, value],
      [`NUXT_PUBLIC_SANCTUM_${name}`, value],
    ]),
  );

const modes = {
  "by cookie": { config: "adyton.cookie.toml", app: (api) => both({ BASE_URL: api, MODE: "cookie" }) },
  "by token": { config: "adyton.token.toml", app: (api) => both({ BASE_URL: api, MODE: "token" }) },
};

for (const [mode, options] of Object.entries(modes)) {
  const token = mode === "by token";
  describe(`nuxt-auth-sanctum ${mode}`, { skip }, () => {
    let world;
    before(async () => (world = await deploy(fixture, options)));
    after(() => world.stop());

    test("from sign-up to sign-out and back", async () => {
      const ada = await person(browser, world);
      await ada.register("Ada");
      await ada.at("/profile");
      await ada.is("Signed in as Ada");
      await ada.see("1 session of this browser");
      await ada.visit("/profile", "Signed in as Ada");
      const tab = await ada.open();
      await ada.visit("/", "Signed in as Ada", tab);
      await ada.press("Sign out");
      await ada.at("/");
      await ada.is("Guest");
      await ada.visit("/", "Guest");
      await ada.go("Profile");
      await ada.at("/login?redirect=/profile");
      await ada.signIn("Ada");
      await ada.at("/profile");
      await ada.is("Signed in as Ada");
      await ada.close();
    });
  });
}
