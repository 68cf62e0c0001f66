import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AuthError, createAuth } from "@adyton/node";
import { ADA, engine, finally_, folder, post, thrown, tokenUser, withToken } from "./world.js";

test("users are made, found, listed and deleted", async () => {
  const { api } = engine();
  const ada = await api.createUser(ADA);
  const bob = await api.createUser({ ...ADA, name: "Bob", email: "bob@example.com" });
  expect(ada).toMatchObject({ name: "Ada", email: ADA.email });
  expect(ada).not.toHaveProperty("password");
  expect(await api.findUser(ada.id)).toEqual(ada);
  expect(await api.findUserByEmail(" ADA@example.com ")).toEqual(ada);
  expect(await api.listUsers()).toEqual([ada, bob]);
  expect(await api.listUsers({ after: ada.id, limit: 1 })).toEqual([bob]);
  await api.deleteUser(ada.id);
  expect([await api.findUser(ada.id), await api.findUserByEmail(ADA.email), await api.findUser(-1)]).toEqual([
    null,
    null,
    null,
  ]);
  expect(await thrown(() => api.deleteUser(ada.id))).toMatchObject({ status: 404, code: "not_found" });
});

test("what is not valid is refused field by field", async () => {
  const { api } = engine();
  const error = await thrown(() => api.createUser({ name: "", email: "nobody", password: "short" }));
  expect(error).toBeInstanceOf(AuthError);
  expect(error).toMatchObject({ status: 422, code: "validation_failed" });
  expect(Object.keys((error as AuthError).problem.errors!).sort()).toEqual(["email", "name", "password"]);
  await api.createUser(ADA);
  expect(await thrown(() => api.createUser(ADA))).toMatchObject({
    status: 422,
    problem: { errors: { email: expect.any(Array) as string[] } },
  });
});

test("personal tokens are made, listed and revoked", async () => {
  const { api } = engine();
  const { id } = await api.createUser(ADA);
  const made = await api.createToken(id, {
    name: "ci",
    abilities: ["orders:read"],
    expiresAt: new Date("2090-01-31T12:00:00Z"),
  });
  expect(made.token).toMatch(/^adt_/);
  expect(made.accessToken).toMatchObject({
    name: "ci",
    abilities: ["orders:read"],
    expiresAt: "2090-01-31T12:00:00Z",
  });
  const never = await api.createToken(id, { name: "never", expiresIn: null });
  expect([never.accessToken.expiresAt, never.accessToken.abilities]).toEqual([null, ["*"]]);
  expect((await api.createToken(id, { name: "day", expiresIn: "1d" })).accessToken.expiresAt).not.toBeNull();
  expect((await api.listTokens(id)).map(({ name }) => name).sort()).toEqual(["ci", "day", "never"]);
  expect(JSON.stringify(await api.listTokens(id))).not.toContain("adt_");
  await api.revokeToken(id, made.accessToken.id);
  expect(await thrown(() => api.revokeToken(id, made.accessToken.id))).toMatchObject({ status: 404 });
  expect(await thrown(() => api.revokeToken(id + 1, never.accessToken.id))).toMatchObject({ status: 404 });
  for (const expiry of [{ expiresIn: 1, expiresAt: null }, { expiresAt: "tomorrow" }, { expiresIn: 0 }]) {
    expect(await thrown(() => api.createToken(id, { name: "x", ...expiry }))).toMatchObject({ status: 422 });
  }
  expect(await thrown(() => api.createToken(id, { name: "x", abilities: ["**"] }))).toMatchObject({
    status: 422,
  });
  expect(await thrown(() => api.createToken(id + 1, { name: "x" }))).toMatchObject({ status: 404 });
});

test("sessions are listed and ended, and a new password ends them all", async () => {
  const auth = engine();
  const { id, token } = await tokenUser(auth);
  const [session] = await auth.api.listSessions(id);
  expect(session).toMatchObject({ current: false, ipAddress: "127.0.0.0" });
  expect(await thrown(() => auth.api.endSession(id + 1, session!.id))).toMatchObject({ status: 404 });
  await auth.api.endSession(id, session!.id);
  expect(await auth.api.listSessions(id)).toEqual([]);
  expect(await thrown(() => auth.authenticate(withToken(token)))).toMatchObject({ status: 401 });

  await post(auth, "/login", { ...ADA, guard: "token" });
  const { token: personal } = await auth.api.createToken(id, { name: "ci" });
  await auth.api.setPassword(id, "another horse 2");
  expect(await auth.api.listSessions(id)).toEqual([]);
  expect(await auth.authenticate(withToken(personal))).not.toBeNull();
  await auth.api.setPassword(id, "a third horse 3", { revokeTokens: true });
  expect(await thrown(() => auth.authenticate(withToken(personal)))).toMatchObject({ status: 401 });
  expect((await post(auth, "/login", { ...ADA, password: "a third horse 3" })).status).toBe(200);
});

test("events are looked up, and what has had its time is pruned", async () => {
  const auth = engine();
  const { id } = await tokenUser(auth);
  const events = await auth.api.listEvents({ userId: id, event: "session_created", since: new Date(0) });
  expect(events).toMatchObject([
    { event: "session_created", outcome: "success", userId: id, network: "127.0.0.0" },
  ]);
  expect(await auth.api.listEvents({ limit: 1 })).toHaveLength(1);
  expect(await thrown(() => auth.api.listEvents({ event: "nothing" }))).toMatchObject({ status: 422 });
  expect(await auth.api.prune()).toEqual({ tokens: 0, sessions: 0, superseded: 0, devices: 0, events: 0 });
});

test.each([NaN, 1.5, 2 ** 53, -(2 ** 53), Infinity, "1", null, undefined])(
  "the id %s is a mistake of the app",
  async (id) => {
    const { api } = engine();
    const error = await thrown(() => api.findUser(id as number));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(/findUser/);
  },
);

test("no error repeats a password", async () => {
  const { api } = engine();
  const error = await thrown(() => api.createUser({ ...ADA, password: 31337 as unknown as string }));
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).not.toContain("31337");
});

test("plain-text tokens of a module before are imported, and erased where they stood", async () => {
  const path = join(folder(), "auth.sqlite3");
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, password TEXT, token TEXT, created_at TEXT, updated_at TEXT);
    INSERT INTO users (name, email, token) VALUES ('Ada', 'ada@example.com', 'a-plain-text-token-of-old')`);
  database.close();
  const auth = createAuth(
    { connector: { options: { path } }, compat: { importedTokens: true } },
    { log: false },
  );
  finally_(() => auth.close());
  expect(await auth.api.importPlaintextTokens()).toEqual({ imported: 1, malformed: [], duplicates: [] });
  expect((await auth.authenticate(withToken("a-plain-text-token-of-old")))!.user.name).toBe("Ada");
  const after = new DatabaseSync(path, { readOnly: true });
  expect(after.prepare("SELECT token FROM users").get()).toEqual({ token: null });
  after.close();
});

test("an import where there is no such column says which is missing", async () => {
  const error = await thrown(() => engine().api.importPlaintextTokens());
  expect(error).toMatchObject({ name: "AdytonError", code: "cannot_do" });
  expect((error as Error).message).toContain("no column `token`");
});

test("an object from outside names nobody else", async () => {
  const { api } = engine();
  const ada = await api.createUser(ADA);
  const bob = await api.createUser({ ...ADA, name: "Bob", email: "bob@example.com" });
  const forged = { name: "ci", userId: ada.id };
  await api.createToken(bob.id, forged);
  expect([(await api.listTokens(ada.id)).length, (await api.listTokens(bob.id)).length]).toEqual([0, 1]);
  const other = { userId: ada.id, password: "battery staple 2", revokeTokens: true };
  await api.setPassword(bob.id, "battery staple 3", other);
  expect((await api.listEvents({ event: "authn_password_change" })).map(({ userId }) => userId)).toEqual([bob.id]);
});

test.each([{ expiresIn: NaN }, { expiresIn: Infinity }, { expiresAt: new Date("tomorrow") }])(
  "a time that is none does not mean for ever: %o",
  async (times) => {
    const { api } = engine();
    const { id } = await api.createUser(ADA);
    expect(await thrown(() => api.createToken(id, { name: "ci", ...times }))).toBeInstanceOf(TypeError);
    expect(await api.listTokens(id)).toEqual([]);
  },
);
