// Beginnings and ends: of engines, of threads, of the process.

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { AuthError, createAuth } from "@adyton/node";
import { engine, finally_, folder, header, HERE, post, thrown, tokenUser, withToken } from "./world.js";

const require = createRequire(import.meta.url);
const here = join(import.meta.dirname, "..");

/** Runs a script that has an engine on this file. */
function run(path: string, script: string) {
  const file = join(folder(), "script.mjs");
  const entry = JSON.stringify(join(here, "dist/index.js"));
  const options = JSON.stringify({ connector: { options: { path } } });
  writeFileSync(
    file,
    `import { createAuth } from ${entry};\nconst auth = createAuth(${options});\n${script}`,
  );
  return spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 15_000 });
}

function lastUsed(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare("SELECT last_used_at FROM personal_access_tokens").get()!.last_used_at;
  } finally {
    database.close();
  }
}

/** A file with a user and their personal token, which nobody has used. */
async function fileWithToken(): Promise<{ path: string; token: string }> {
  const path = join(folder(), "auth.sqlite3");
  const auth = createAuth({ connector: { options: { path } } }, { log: false });
  const { id } = await auth.api.createUser({
    name: "Ada",
    email: "ada@example.com",
    password: "correct horse 1",
  });
  const { token } = await auth.api.createToken(id, { name: "ci" });
  await auth.close();
  return { path, token };
}

test.each([
  ["process.exit", "process.exit(0);"],
  ["an end by itself", ""],
  ["close", "await auth.close();"],
])("uses are written down before %s", async (_, end) => {
  const { path, token } = await fileWithToken();
  expect(lastUsed(path)).toBeNull();
  const request = JSON.stringify(withToken(token));
  const ended = run(path, `await auth.authenticate(${request});\n${end}`);
  expect([ended.status, ended.stderr]).toEqual([0, ""]);
  expect(lastUsed(path)).not.toBeNull();
});

test("an idle engine keeps no process alive, and a promise does until it is kept", async () => {
  const { path } = await fileWithToken();
  const body = JSON.stringify({ email: "ada@example.com", password: "correct horse 1" });
  const request = JSON.stringify({
    method: "POST",
    url: "/api/auth/login",
    headers: { host: "localhost", "content-type": "application/json" },
    body,
    clientAddress: HERE,
  });
  const ended = run(path, `auth.handle(${request}).then(({ status }) => console.log(status));`);
  expect([ended.status, ended.stdout]).toEqual([0, "200\n"]);
});

test("a closed engine says so, and closing it again is no mistake", async () => {
  const auth = engine();
  const { token } = await tokenUser(auth);
  await auth.close();
  await auth.close();
  const answer = await auth.handle(withToken(token, { url: "/api/auth/user" }));
  expect([answer.status, header(answer, "retry-after")]).toEqual([503, ["1"]]);
  const error = await thrown(() => auth.authenticate(withToken(token)));
  expect(error).toBeInstanceOf(AuthError);
  expect(error).toMatchObject({ status: 503, code: "store_unavailable" });
  expect(await thrown(() => auth.api.findUser(1))).toMatchObject({ status: 503 });
  expect(await thrown(() => auth.flush())).toMatchObject({ status: 503 });
});

test("close waits for what is under way", async () => {
  const auth = engine();
  await tokenUser(auth);
  const login = post(auth, "/login", { email: "ada@example.com", password: "correct horse 1" });
  await auth.close();
  expect((await login).status).toBe(200);
});

test("two engines on one file agree on a revocation within 100 ms", async () => {
  const one = engine();
  const other = createAuth({ connector: { options: { path: one.databasePath! } } }, { log: false });
  finally_(() => other.close());
  const { id } = await tokenUser(one);
  const { token, accessToken } = await one.api.createToken(id, { name: "ci" });
  expect(await other.authenticate(withToken(token))).not.toBeNull();
  await other.api.revokeToken(id, accessToken.id);
  await sleep(100);
  expect(await thrown(() => one.authenticate(withToken(token)))).toMatchObject({ status: 401 });
});

test("threads of JavaScript have engines of their own, and may be ended", async () => {
  const auth = engine();
  const { token } = await tokenUser(auth);
  const script = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(workerData.entry).then(async ({ createAuth }) => {
      const auth = createAuth(workerData.options, { log: false });
      const principal = await auth.authenticate(workerData.request);
      parentPort.postMessage(principal.user.name);
      // It keeps asking, so that it is ended in the middle of something.
      for (;;) await auth.handle(workerData.login);
    });`;
  const login = {
    method: "POST",
    url: "/api/auth/login",
    clientAddress: HERE,
    headers: { host: "localhost", "content-type": "application/json" },
    body: JSON.stringify({ email: "ada@example.com", password: "correct horse 1" }),
  };
  const options = { connector: { options: { path: auth.databasePath } } };
  const workerData = { entry: join(here, "dist/index.js"), options, request: withToken(token), login };
  const workers = [1, 2].map(() => new Worker(script, { eval: true, workerData }));
  const told = (worker: Worker) =>
    new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  expect(await Promise.all(workers.map(told))).toEqual(["Ada", "Ada"]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  expect(((await auth.authenticate(withToken(token)))!).user.name).toBe("Ada");
});

test("uses are written down before a thread is ended", async () => {
  const { path, token } = await fileWithToken();
  const script = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(workerData.entry).then(async ({ createAuth }) => {
      const auth = createAuth({ connector: { options: { path: workerData.path } } }, { log: false });
      await auth.authenticate(workerData.request);
      parentPort.postMessage("used");
      setInterval(() => {}, 1000);
    });`;
  const workerData = { entry: join(here, "dist/index.js"), path, request: withToken(token) };
  const worker = new Worker(script, { eval: true, workerData });
  await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  expect(lastUsed(path)).toBeNull();
  await worker.terminate();
  expect(lastUsed(path)).not.toBeNull();
});

test("a binary that does not load says why", () => {
  const copy = folder();
  cpSync(join(here, "dist"), join(copy, "dist"), { recursive: true });
  copyFileSync(join(here, "package.json"), join(copy, "package.json"));
  writeFileSync(join(copy, "adyton.linux-x64-gnu.node"), "no library");
  const script = `
    import { checkOptions } from ${JSON.stringify(join(copy, "dist/index.js"))};
    try { checkOptions({}); } catch (error) { console.log(error.message); }`;
  const told = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });
  expect(told).toMatch(/cannot load its binary for linux-x64-gnu \(.*adyton\.linux-x64-gnu\.node/);
});

/** The addon that tests use can be made to panic; one that ships cannot. */
const loader = require("../dist/native.cjs") as {
  load: () => { addon: { Engine: new (...args: unknown[]) => object } };
};
const { addon } = loader.load();
const breakable = "setBroken" in addon.Engine.prototype;

test.skipIf(!breakable)(
  "a panic is a 500 for one caller, at once or later, and never a dead process",
  async () => {
    const { Engine } = addon;
    let native!: { setBroken(broken: boolean): void };
    addon.Engine = class extends Engine {
      constructor(...args: unknown[]) {
        super(...args);
        native = this as unknown as typeof native;
      }
    };
    const logged: string[] = [];
    const auth = engine({}, { log: (record) => logged.push(JSON.stringify(record)) });
    addon.Engine = Engine;
    const { token } = await tokenUser(auth);

    native.setBroken(true);
    const error = await thrown(() => auth.authenticate(withToken(token)));
    expect(error).toMatchObject({ status: 500, code: "internal_error" });
    expect((error as AuthError).message).toBe("something went wrong here");
    expect(await auth.handle(withToken(token, { url: "/api/auth/user" }))).toMatchObject({ status: 500 });
    expect(await thrown(() => auth.api.setPassword(1, "another horse 2"))).toMatchObject({ status: 500 });
    native.setBroken(false);
    expect(await auth.authenticate(withToken(token))).not.toBeNull();
    await sleep(50);
    expect(logged.join()).toContain("panicked");
  },
);

test("what is logged comes to the app, and has no secret in it", async () => {
  const logged: Record<string, unknown>[] = [];
  const auth = engine({}, { log: (record) => logged.push(record) });
  const { token } = await tokenUser(auth);
  await post(auth, "/login", { email: "ada@example.com", password: "wrong horse 1" });
  await sleep(50);
  const events = logged.map((record) => record.event);
  expect(events).toContain("session_created");
  expect(events).toContain("authn_login_fail");
  expect(logged[0]).toMatchObject({ level: "INFO", target: "adyton::audit" });
  const all = JSON.stringify(logged);
  for (const secret of [token, "horse", "ada@example.com"]) expect(all).not.toContain(secret);
});

test("a function that logs keeps no process alive", async () => {
  const { path } = await fileWithToken();
  const ended = run(
    path,
    "await auth.close();\ncreateAuth({ connector: { options: { path: auth.databasePath } } }, { log() {} });",
  );
  expect([ended.status, ended.signal]).toEqual([0, null]);
});

test.each([
  ["throws", "() => { throw new Error('the disk is full'); }"],
  ["rejects", "async () => { throw new Error('the disk is full'); }"],
])("a function that logs and %s is told of once, and ends no process", async (_, log) => {
  const { path } = await fileWithToken();
  const ended = run(
    path,
    `await auth.close();
    const other = createAuth({ connector: { options: { path: auth.databasePath } } }, { log: ${log} });
    const login = { method: "POST", url: "/api/auth/login", body: JSON.stringify({ email: "a@b.example", password: "x" }) };
    const headers = { host: "localhost", "content-type": "application/json" };
    for (const clientAddress of ["192.0.2.1", "192.0.2.2"]) await other.handle({ ...login, headers, clientAddress });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { status } = await other.handle({ url: "/api/auth/session", headers });
    console.log(status);`,
  );
  expect([ended.status, ended.stdout]).toEqual([0, "200\n"]);
  expect(ended.stderr.match(/the disk is full/g)).toHaveLength(1);
});

test("warnings go to standard error by default, and nowhere if the app says so", async () => {
  const { path } = await fileWithToken();
  const handle =
    'await a.handle({ method: "POST", url: "/api/auth/login", headers: { host: "localhost", ' +
    '"content-type": "application/json" }, body: JSON.stringify({ email: "a@b.example", password: "wrong horse" }) });';
  expect(run(path, `const a = auth; ${handle}`).stderr).toContain("limits by address are off");
  const silent =
    "await auth.close(); const a = createAuth({ connector: { options: { path: auth.databasePath } } }, { log: false });";
  expect(run(path, `${silent} ${handle}`).stderr).toBe("");
});

test("without a binary the error says for which platform, and what to do", () => {
  const copy = folder();
  mkdirSync(join(copy, "package"));
  cpSync(join(here, "dist"), join(copy, "package/dist"), { recursive: true });
  copyFileSync(join(here, "package.json"), join(copy, "package/package.json"));
  const script = `
    import { createAuth, optionKeys } from ${JSON.stringify(join(copy, "package/dist/index.js"))};
    console.log(optionKeys.length > 50);
    try { createAuth(); } catch (error) { console.log(error.name, error.code, error.message, error.cause.errors.length > 0); }`;
  const told = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });
  expect(told).toMatch(/^true\nAdytonError no_native_binary .*linux-x64-gnu.*mode: "server".* true\n$/);
});
