// What is built, and what is not.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startApp, Visitor } from "./support/app";
import { FIXTURE, nuxi } from "./support/build";

/** Inside of the package, so that it finds what is installed there. */
mkdirSync(join(FIXTURE, ".data"), { recursive: true });
const folder = mkdtempSync(join(FIXTURE, ".data/app-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function prepare(options: string): { status: number | null; text: string } {
  const module = join(FIXTURE, "../../src/module");
  writeFileSync(
    join(folder, "nuxt.config.ts"),
    `export default { modules: [${JSON.stringify(module)}], ...${options} };`,
  );
  writeFileSync(join(folder, "package.json"), "{}");
  const { status, stdout, stderr } = spawnSync(process.execPath, [nuxi(), "prepare", folder], {
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}

describe("nuxi", () => {
  it("stops at an option that cannot stand, and says which and what would", () => {
    const { status, text } = prepare("{ adyton: { tokenHeadr: 'X' } }");
    expect(status).not.toBe(0);
    expect(text).toContain("adyton.tokenHeadr");
    expect(text).toMatch(/tokenHeader/);
  });

  it("stops where pages for caches are streamed, and says which rule and what would mend it", () => {
    const { status, text } = prepare(
      "{ experimental: { ssrStreaming: true }, routeRules: { '/news': { headers: { 'cache-control': 'max-age=600' } } } }",
    );
    expect(status).not.toBe(0);
    expect(text).toContain('experimental.ssrStreaming: routeRules["/news"]');
    expect(text).toContain("streaming: false");
  });

  it("tells those who come from nuxt-token-authentication what is left to do", () => {
    const { status, text } = prepare("{ nuxtTokenAuthentication: { noAuthRoutes: [] } }");
    expect(status).toBe(0);
    expect(text).toContain("importPlaintextTokens: true");
  });
});

describe("a built app", () => {
  it("has the engine in it, and not in its server mode", () => {
    expect(readdirSync(join(FIXTURE, ".output/embedded/server/node_modules/@adyton/node")).join()).toContain(
      ".node",
    );
    expect(existsSync(join(FIXTURE, ".output/remote/server/node_modules/@adyton/node"))).toBe(false);
  });

  it("has pages that were rendered without a visitor, and without a database", () => {
    expect(readFileSync(join(FIXTURE, ".output/embedded/public/about/index.html"), "utf8")).toContain("loading:-:");
    expect(existsSync(join(FIXTURE, "data"))).toBe(false);
  });

  it("has no DevTools page", async () => {
    const app = await startApp();
    const { status } = await new Visitor(app).fetch("/__adyton__");
    await app.stop();
    expect(status).toBe(404);
    const files = readdirSync(join(FIXTURE, ".output/embedded/server"), {
      recursive: true,
      encoding: "utf8",
    });
    const own = files.filter((name) => name.endsWith(".mjs") && !name.includes("node_modules"));
    expect(own.length).toBeGreaterThan(5);
    for (const name of own)
      expect(readFileSync(join(FIXTURE, ".output/embedded/server", name), "utf8")).not.toContain(
        "Refused requests",
      );
  });
});

describe("the types of an app", () => {
  it("know the module, and the columns that the app declares", () => {
    const env = { ...process.env, FIXTURE_MODE: "embedded" };
    expect(spawnSync(process.execPath, [nuxi(), "prepare", FIXTURE], { env }).status).toBe(0);
    const tsc = createRequire(import.meta.url).resolve("vue-tsc/bin/vue-tsc.js");
    const config = (name: string) => join(FIXTURE, `.nuxt/embedded/tsconfig.${name}.json`);
    for (const name of ["app", "server"]) {
      const { status, stdout } = spawnSync(process.execPath, [tsc, "--noEmit", "-p", config(name)], {
        encoding: "utf8",
      });
      expect(stdout, name).toBe("");
      expect(status).toBe(0);
    }
  }, 120_000);
});

it("packs what is used, its licences, and nothing else", () => {
  const root = join(import.meta.dirname, "..");
  const parameters = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout } = spawnSync("npm", parameters, { cwd: root, encoding: "utf8" });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const names = files.map(({ path }) => path);
  expect(names).toContain("dist/module.mjs");
  expect(names.filter((name) => !name.startsWith("dist/")).sort()).toEqual([
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "package.json",
  ]);
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"])
    expect(readFileSync(join(root, licence), "utf8")).toBe(readFileSync(join(root, "../..", licence), "utf8"));
});
