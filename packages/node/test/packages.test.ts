// What is published: the package itself, and one with the addon per platform.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { finally_, folder } from "./world.js";

const here = join(import.meta.dirname, "..");

/** Unpacks a tarball as npm does, offline. */
function install(tarball: string, into: string): Record<string, unknown> {
  mkdirSync(into, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", into, "--strip-components=1"]);
  return JSON.parse(readFileSync(join(into, "package.json"), "utf8")) as Record<string, unknown>;
}

/** Debug builds are large, and compressing them takes its time. */
const PATIENCE = 300_000;

const USE = `
  import { createAuth } from "@adyton/node";
  const auth = createAuth({ connector: { options: { path: "./auth.sqlite3" } } });
  console.log((await auth.handle({ url: "/api/auth/session", headers: { host: "localhost" } })).status);
  await auth.close();`;

test(
  "the package finds the addon in the package of its platform",
  () => {
    const [app, packed] = [folder(), folder()];
    execFileSync(process.execPath, [join(here, "scripts/pack.mjs"), packed], { stdio: "pipe" });
    expect(readdirSync(packed).sort()).toEqual([
      "adyton-node-0.1.0.tgz",
      "adyton-node-linux-x64-gnu-0.1.0.tgz",
    ]);
    const main = install(join(packed, "adyton-node-0.1.0.tgz"), join(app, "node_modules/@adyton/node"));
    expect(readdirSync(join(app, "node_modules/@adyton/node")).sort()).toEqual([
      "LICENSE-APACHE",
      "LICENSE-MIT",
      "README.md",
      "dist",
      "package.json",
    ]);
    expect(main.optionalDependencies).toMatchObject({
      "@adyton/node-linux-x64-gnu": "0.1.0",
      "@adyton/node-darwin-arm64": "0.1.0",
    });
    expect(main).not.toHaveProperty("scripts");
    const addon = install(
      join(packed, "adyton-node-linux-x64-gnu-0.1.0.tgz"),
      join(app, "node_modules/@adyton/node-linux-x64-gnu"),
    );
    expect(addon).toMatchObject({ os: ["linux"], cpu: ["x64"], libc: ["glibc"] });
    writeFileSync(join(app, "use.mjs"), USE);
    expect(execFileSync(process.execPath, ["use.mjs"], { cwd: app, encoding: "utf8" })).toBe("200\n");
  },
  PATIENCE,
);

test(
  "a package that is packed in a checkout brings the addon along",
  () => {
    const [app, packed] = [folder(), folder()];
    execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", packed], {
      cwd: here,
    });
    install(join(packed, "adyton-node-0.1.0.tgz"), join(app, "node_modules/@adyton/node"));
    writeFileSync(join(app, "use.mjs"), USE);
    expect(execFileSync(process.execPath, ["use.mjs"], { cwd: app, encoding: "utf8" })).toBe("200\n");
  },
  PATIENCE,
);

test("the README's example runs", async () => {
  const text = readFileSync(join(here, "README.md"), "utf8");
  const code = text.split("```js\n")[1]!.split("```")[0]!;
  const port = await freePort();
  const file = join(here, "test", `readme-${process.pid}.mjs`);
  const app = folder();
  writeFileSync(file, code.replace("3000", String(port)));
  finally_(() => rmSync(file));
  const server = spawn(process.execPath, [file], { cwd: app, stdio: "inherit" });
  finally_(() => server.kill("SIGKILL"));
  const ask = async (path: string): Promise<Response> => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await fetch(`http://localhost:${port}${path}`);
      } catch (error) {
        if (tries > 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  expect(await (await ask("/")).text()).toBe("Hello, stranger!\n");
  expect((await ask("/api/auth/user")).status).toBe(401);
  const stranger = await fetch(`http://localhost:${port}/`, { headers: { authorization: "Bearer x" } });
  expect([stranger.status, await stranger.json()]).toMatchObject([401, { code: "token_invalid" }]);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "localhost");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
