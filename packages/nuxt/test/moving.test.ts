// Coming from nuxt-token-authentication: its table of users, with the tokens in plain text.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type App, startApp, Visitor } from "./support/app";

const TOKEN = "4f9a1c7e0b2d4f9a1c7e0b2d4f9a1c7e";
const ENV = {
  NUXT_ADYTON_CONNECTOR_URL: "sqlite://users.sqlite3",
  NUXT_ADYTON_TOKEN_HEADER: "Token",
  NUXT_ADYTON_PREFIX: "",
  NUXT_PUBLIC_ADYTON_TOKEN_HEADER: "Token",
  NUXT_PUBLIC_ADYTON_PREFIX: "",
};

describe("a database of nuxt-token-authentication", () => {
  const folder = mkdtempSync(join(tmpdir(), "adyton-moving-"));
  const file = join(folder, "users.sqlite3");
  let app: App;

  beforeAll(async () => {
    const database = new DatabaseSync(file);
    database.exec(`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, password TEXT, token TEXT,
      created_at TEXT, updated_at TEXT)`);
    database
      .prepare("INSERT INTO users (name, email, password, token) VALUES ('Ada', 'ada@example.com', 'x', ?)")
      .run(TOKEN);
    database
      .prepare(
        "INSERT INTO users (name, email, password, token) VALUES ('Bob', 'bob@example.com', 'x', 'short')",
      )
      .run();
    database.close();
    app = await startApp({ ...ENV, NUXT_ADYTON_IMPORT_PLAINTEXT_TOKENS: "true" }, "embedded", folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("keeps its tokens working, in the header that they were in", async () => {
    const anonymous = new Visitor(app, {});
    expect(await anonymous.json("/api/orders", { headers: { token: TOKEN } })).toEqual({
      owner: "Ada",
      guard: "token",
    });
    expect(
      (await anonymous.fetch("/api/orders", { headers: { token: `${TOKEN.slice(0, -1)}f` } })).status,
    ).toBe(401);
    expect((await anonymous.fetch("/api/orders", { headers: { token: "short" } })).status).toBe(401);
  });

  it("has no plain text afterwards, and the log none either", async () => {
    expect(app.log()).toContain("imported 1 tokens");
    expect(app.log()).not.toContain(TOKEN);
    await app.stop({ keep: true });
    expect(readFileSync(file).includes(TOKEN)).toBe(false);
  });

  it("is not read a second time, and the tokens go on to work", async () => {
    app = await startApp({ ...ENV, NUXT_ADYTON_IMPORT_PLAINTEXT_TOKENS: "true" }, "embedded", folder);
    expect((await new Visitor(app, {}).fetch("/api/orders", { headers: { token: TOKEN } })).status).toBe(200);
    expect(app.log()).not.toContain("imported");
    await app.stop({ keep: true });
  });
});
