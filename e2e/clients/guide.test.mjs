// The guide shows the configurations that the stories were told with, to the letter.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

const here = import.meta.dirname;
const read = (path) => readFile(join(here, path), "utf8");

test("the guide has each configuration of the fixtures, and their versions", async () => {
  const guide = await read("../../docs/guide/existing-clients.md");
  for (const [language, path] of [
    ["ts", "nuxt-auth-sanctum/nuxt.config.ts"],
    ["toml", "nuxt-auth-sanctum/adyton.cookie.toml"],
    ["toml", "nuxt-auth-sanctum/adyton.token.toml"],
    ["ts", "sidebase/nuxt.config.ts"],
    ["toml", "sidebase/adyton.toml"],
  ]) {
    assert.ok(guide.includes(`\`\`\`${language}\n${await read(path)}\`\`\``), `not as in ${path}`);
  }
  const { dependencies } = JSON.parse(await read("package.json"));
  for (const name of ["nuxt", "nuxt-auth-sanctum", "@sidebase/nuxt-auth"]) {
    assert.ok(guide.includes(`${name} ${dependencies[name]}`), `no ${name} ${dependencies[name]}`);
  }
});
