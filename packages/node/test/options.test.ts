import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { AdytonError, type AuthOptions, checkOptions, createAuth, type LogRecord, optionKeys } from "@adyton/node";
import { engine, folder, thrown } from "./world.js";

/** Options as somebody without types writes them. */
const wrong = (options: unknown) => thrown(() => checkOptions(options as AuthOptions));

test.each([
  [{ authTabel: "people" }, "authTabel", "did you mean `authTable`?"],
  [{ rateLimit: { enabled: true } }, "rateLimit", "is unknown"],
  [{ rateLimiting: { maxAttempts: "five" } }, "rateLimiting.maxAttempts", "expected a whole number"],
  [{ tokenExpiration: "1 hour" }, "tokenExpiration", "whole seconds, or a string"],
  [{ sessionGuard: "cookie" }, "sessionGuard", "`token`"],
  [
    { tokenExpiration: "60d" },
    "tokenExpiration",
    "`refreshTokenExpiration` must not be below `tokenExpiration`",
  ],
  [{ authTable: "a", auth_table: "b" }, "auth_table", "is set twice"],
  [{ server: { publicUrl: "https://app.example.com/path" } }, "server.publicUrl", "scheme"],
  [{ connector: { name: "postgresql" } }, "connector.options.database", "is missing"],
  [[], "options", "must be an object"],
])("%j is refused with its key and the cure", async (options, key, cure) => {
  const error = await wrong(options);
  expect(error).toBeInstanceOf(AdytonError);
  expect(error).toMatchObject({ code: "invalid_options", key });
  expect((error as Error).message).toContain(cure);
});

test("an engine with wrong options is not started, and no file is made", async () => {
  const path = join(folder(), "auth.sqlite3");
  const error = await thrown(() => createAuth({ connector: { options: { path } }, prefix: "two words" }));
  expect(error).toMatchObject({ code: "invalid_options", key: "prefix" });
  expect(existsSync(path)).toBe(false);
});

test("a database that cannot be opened is told with its path", async () => {
  const path = join(folder(), "auth.sqlite3");
  writeFileSync(path, "this is no database, whatever its name says".repeat(100));
  const error = await thrown(() => createAuth({ connector: { options: { path } } }, { log: false }));
  expect(error).toBeInstanceOf(AdytonError);
  expect(error).toMatchObject({ code: "cannot_start" });
});

test("a secret in a wrong place is not repeated", async () => {
  const error = await wrong({ connector: { options: { password: ["s3cret"] } } });
  expect((error as Error).message).not.toContain("s3cret");
});

test("both spellings and lengths of time are read", async () => {
  checkOptions({ tokenExpiration: "15m", rateLimiting: { limits: { register: "5/1h" } } });
  checkOptions({ token_expiration: 900 } as AuthOptions);
  const auth = engine({ server: { basePath: "/auth" } });
  expect(auth.basePath).toBe("/auth");
  expect((await auth.handle({ url: "/auth/user", headers: { host: "localhost" } })).status).toBe(401);
});

test("the keys are known without an engine", () => {
  expect(optionKeys).toContain("rateLimiting.maxAttempts");
  expect(optionKeys).toContain("connector.options.path");
});

test("what is for `adyton serve` is warned of by its key, once, and only where it is set otherwise", async () => {
  const logged: LogRecord[] = [];
  const server = { listen: "127.0.0.1:9000", metricsListen: "127.0.0.1:9001", headerTimeout: 5, idleTimeout: "5m" };
  engine({ server, pages: { enabled: false, path: "/me" } }, { log: (record) => logged.push(record) });
  const same = { listen: "127.0.0.1:8000", headerTimeout: "10s", bodyTimeout: 5, idleTimeout: 75 };
  engine({ server: same, pages: { enabled: true } }, { log: (record) => logged.push(record) });
  await sleep(50);
  const warnings = logged.filter(({ level }) => level === "WARN");
  expect(warnings.map(({ option }) => option)).toEqual([
    "server.listen",
    "server.metricsListen",
    "server.headerTimeout",
    "server.idleTimeout",
    "pages.enabled",
    "pages.path",
  ]);
  for (const { option, message } of warnings) {
    expect(message).toBe(`${String(option)} has no effect here: it is for \`adyton serve\``);
  }
});
