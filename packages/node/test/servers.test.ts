import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { createAuth } from "@adyton/node";
import { finally_, json, post, withToken } from "./world.js";

const server = process.env.ADYTON_TEST_POSTGRES_URL;

/** A database of its own, which is dropped after the test. */
function database(): string {
  const name = `adyton_test_node_${process.pid}`;
  const say = (sql: string) => execFileSync("psql", ["-q", "-d", server!, "-c", sql]);
  say(`CREATE DATABASE ${name}`);
  finally_(() => say(`DROP DATABASE ${name} WITH (FORCE)`));
  const url = new URL(server!);
  url.pathname = name;
  return url.href;
}

/** As `engine` opens a file. */
function open(url: string) {
  const auth = createAuth({ connector: { url } }, { log: false });
  finally_(() => auth.close());
  return auth;
}

if (!server) console.warn("skipped: needs ADYTON_TEST_POSTGRES_URL");

test.runIf(server)("engines on one PostgreSQL make its tables, and know each other's tokens", async () => {
  const url = database();
  const [one, other] = [open(url), open(url)];
  expect(one.databasePath).toBeNull();
  const ada = { name: "Ada", email: "ada@example.com", password: "correct horse 1", guard: "token" };
  const { token } = json(await post(one, "/register", ada)) as { token: string };
  expect(await other.authenticate(withToken(token))).toMatchObject({ user: { name: "Ada" } });
  const gone = await one.handle({ ...withToken(token, { method: "POST", url: "/api/auth/logout" }) });
  expect(gone.status).toBe(204);
  for (const auth of [one, other]) {
    const asked = async () => auth.authenticate(withToken(token));
    await expect(asked()).rejects.toMatchObject({ status: 401 });
  }
});
