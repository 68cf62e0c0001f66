// What is promised of the package itself.

import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import openapiTS, { astToString } from "openapi-typescript";
import { expect, it } from "vitest";

const at = (path: string) => new URL(`../${path}`, import.meta.url);
const entry = at("src/index.ts").pathname;

it("has at most 4 kB, minified and gzipped, with everything in it", async () => {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  const size = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
  console.log(`@adyton/client: ${size} bytes`);
  expect(size).toBeLessThanOrEqual(4096);
});

it("brings what is used, its licences, and nothing else", async () => {
  const root = at(".").pathname;
  const packed = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, encoding: "utf8" });
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
  const names = files.map(({ path }) => path);
  expect(names.filter((name) => !/^dist\/\w+(\.generated)?\.d\.ts$/.test(name)).sort()).toEqual([
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "dist/index.js",
    "package.json",
  ]);
  for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"])
    expect(await readFile(at(licence), "utf8")).toBe(await readFile(at(`../../${licence}`), "utf8"));
});

it("needs no other package", async () => {
  const manifest = JSON.parse(await readFile(at("package.json"), "utf8")) as Record<string, unknown>;
  expect(manifest).not.toHaveProperty("dependencies");
  expect(manifest).not.toHaveProperty("peerDependencies");
  const { metafile } = await build({ entryPoints: [entry], bundle: true, write: false, metafile: true, format: "esm" });
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
});

it("has the types of today's openapi.json: else npm run generate", async () => {
  const text = astToString(await openapiTS(at("../../openapi.json")));
  const generated = await readFile(at("src/api.generated.ts"), "utf8");
  expect(generated.slice(generated.indexOf("export interface paths"))).toBe(text.slice(text.indexOf("export interface paths")));
});

it("knows as final only codes that the server has", async () => {
  const { isFinal } = await import("../src/http.js");
  const generated = await readFile(at("src/api.generated.ts"), "utf8");
  const codes = [...(/code: ("malformed_request".*);/.exec(generated)?.[1] ?? "").matchAll(/"(\w+)"/g)].map(([, code]) => code!);
  expect(codes.length).toBeGreaterThan(15);
  expect(codes.filter(isFinal).sort()).toEqual([
    "refresh_token_reused",
    "session_expired",
    "session_revoked",
    "token_expired",
    "token_invalid",
  ]);
});
