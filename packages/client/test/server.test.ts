// The client as it is published against the real server, in both modes, over real time.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as published from "../src/index.js";
import { cookieStorage } from "../src/index.js";

const root = new URL("../../../", import.meta.url).pathname;
const binary = process.env.ADYTON_BINARY ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/adyton");
const missing = !existsSync(binary);
if (missing) console.warn(`skipped: the tests against the server, since there is no ${binary} (set ADYTON_BINARY)`);

const sleep = (time: number) => new Promise((resolve) => setTimeout(resolve, time));
let person = 0;
const somebody = () => ({ name: "Ada", email: `ada${++person}@example.com`, password: "a long phrase of mine" });

describe.skipIf(missing)("against the server", () => {
  let server: ChildProcess;
  let origin: string;
  let baseUrl: string;
  let client: typeof published;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adyton-client-"));
    const outfile = join(folder, "client.mjs");
    const entry = new URL("../src/index.ts", import.meta.url).pathname;
    await build({ entryPoints: [entry], outfile, bundle: true, minify: true, format: "esm", target: "es2022" });
    client = (await import(outfile)) as typeof published;
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    baseUrl = `${origin}/api/auth`;
    server = spawn(binary, ["serve"], { cwd: folder, env: environment(port, folder), stdio: "ignore" });
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await fetch(`${origin}/readyz`).then(({ ok }) => ok, () => false)) return;
      await sleep(100);
    }
    throw new Error("the server does not answer");
  }, 20_000);

  afterAll(async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill();
    await ended;
    rmSync(folder, { recursive: true });
  });

  describe("token mode", () => {
    it("signs up, outlives the end of two tokens, and signs out", async () => {
      const own = client.createClient({ baseUrl, mode: "token" });
      expect(await own.restore()).toMatchObject({ status: "guest" });
      const { email } = await own.register(somebody()).then(({ user }) => user);
      const first = await own.token();
      for (let round = 0; round < 2; round++) {
        await sleep(2_200);
        expect((await own.fetch(`${baseUrl}/user`)).status).toBe(200);
      }
      expect(await own.token()).not.toBe(first);
      expect(own.state).toMatchObject({ status: "authenticated", guard: "token", user: { email }, abilities: ["*"] });
      expect(await own.sessions()).toHaveLength(1);
      await own.logout();
      expect(own.state).toMatchObject({ status: "guest", reason: null });
      own.close();
    });

    it("gives three clients with one refresh token one pair", async () => {
      const who = somebody();
      const kept: { tokens: published.TokenSet | null } = { tokens: null };
      const first = client.createClient({ baseUrl, mode: "token", storage: shared(kept) });
      await first.register(who);
      // Each has a storage of its own, so that nothing but the server's grace can help them.
      const own = [1, 2, 3].map(() => ({ tokens: kept.tokens }));
      const three = own.map((storage) => client.createClient({ baseUrl, mode: "token", storage: shared(storage) }));
      await Promise.all(three.map((one) => one.refresh()));
      expect(new Set(own.map(({ tokens }) => `${tokens?.token} ${tokens?.refreshToken}`)).size).toBe(1);
      expect(own[0]!.tokens?.token).not.toBe(kept.tokens?.token);
      for (const one of three) expect(await one.restore()).toMatchObject({ status: "authenticated" });
    });

    it("learns from a refused refresh that it was signed out elsewhere", async () => {
      const who = somebody();
      const phone = client.createClient({ baseUrl, mode: "token" });
      const laptop = client.createClient({ baseUrl, mode: "token" });
      await phone.register(who);
      await laptop.login(who);
      expect(await laptop.sessions()).toHaveLength(2);
      await laptop.logout({ everywhere: true });
      expect((await phone.fetch(`${baseUrl}/user`)).status).toBe(401);
      expect(phone.state).toMatchObject({ status: "guest", reason: "session_revoked" });
    });

    it("restores after its token has ended, from a cookie of its own", async () => {
      let cookie = "";
      const storage = () => cookieStorage({ get: () => cookie, set: (_, value) => void (cookie = value ?? "") });
      const who = somebody();
      await client.createClient({ baseUrl, mode: "token", storage: storage() }).register(who);
      expect(encodeURIComponent(cookie).length).toBeLessThan(1_000);
      await sleep(2_200);
      const later = client.createClient({ baseUrl, mode: "token", storage: storage() });
      expect(await later.restore()).toMatchObject({ status: "authenticated", user: { email: who.email } });
    });

    it("has every method answered", async () => {
      const who = somebody();
      const own = client.createClient({ baseUrl, mode: "token" });
      await own.register(who);
      expect(await own.updateUser({ name: "Countess" })).toMatchObject({ name: "Countess" });
      const { token, accessToken } = await own.tokens.create({ name: "CI", abilities: ["orders:read"] });
      expect(token).toMatch(/^adt_/);
      expect(await own.tokens.list()).toMatchObject([{ id: accessToken.id, abilities: ["orders:read"] }]);
      await own.tokens.revoke(accessToken.id);
      await expect(own.tokens.revoke(accessToken.id)).rejects.toMatchObject({ code: "not_found", status: 404 });
      const wrong = { currentPassword: "wrong", password: "another phrase" };
      await expect(own.changePassword(wrong)).rejects.toMatchObject({ status: 422, errors: { currentPassword: expect.any(Array) as unknown } });
      await own.changePassword({ ...wrong, currentPassword: who.password });
      await expect(own.login(who)).rejects.toMatchObject({ code: "invalid_credentials" });
      expect(own.state.status).toBe("authenticated");
      await own.deleteUser({ password: "another phrase" });
      expect(own.state.status).toBe("guest");
    });
  });

  describe("cookie mode", () => {
    it("signs up, keeps the session, and shows a sign-out from elsewhere", async () => {
      const who = somebody();
      const browser = cookies(() => origin);
      const own = client.createClient({ baseUrl, fetch: browser.fetch });
      expect(await own.restore()).toMatchObject({ status: "guest" });
      await own.register(who);
      expect(own.state).toMatchObject({ status: "authenticated", guard: "session", abilities: ["*"] });
      expect(own.state.session?.current).toBe(true);
      expect(JSON.stringify(own.state)).not.toMatch(/ad[trs]_/);
      await sleep(2_200);
      expect((await own.fetch(`${baseUrl}/user`)).status).toBe(200);
      const other = client.createClient({ baseUrl, fetch: cookies(() => origin).fetch });
      await other.login(who);
      await other.endOtherSessions();
      expect((await own.fetch(`${baseUrl}/user`)).status).toBe(401);
      expect(own.state).toMatchObject({ status: "guest", reason: "session_revoked" });
      await other.logout();
      expect(await other.restore()).toMatchObject({ status: "guest" });
    });

    it("is refused what another site makes it ask", async () => {
      const who = somebody();
      let from = origin;
      const own = client.createClient({ baseUrl, fetch: cookies(() => from).fetch });
      await own.register(who);
      from = "https://evil.test";
      await expect(own.updateUser({ name: "Mallory" })).rejects.toMatchObject({ status: 403, code: "csrf_failed" });
      await expect(own.logout()).rejects.toMatchObject({ code: "csrf_failed" });
      expect(own.state.status).toBe("authenticated");
    });
  });
});

/** A browser's cookies and the header that it adds by itself. */
function cookies(from: () => string): { fetch: typeof fetch } {
  const jar = new Map<string, string>();
  return {
    async fetch(input, init) {
      const headers = new Headers(init?.headers);
      headers.set("Origin", from());
      headers.set("Cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
      const response = await fetch(input, { ...init, headers });
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
        jar.set(name!, value!);
      }
      return response;
    },
  };
}

function shared(kept: { tokens: published.TokenSet | null }): published.TokenStorage {
  return { get: () => kept.tokens, set: (tokens) => void (kept.tokens = tokens) };
}

function environment(port: number, folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    ADYTON_SERVER__LISTEN: `127.0.0.1:${port}`,
    ADYTON_CONNECTOR__OPTIONS__PATH: join(folder, "test.sqlite3"),
    ADYTON_TOKEN_EXPIRATION: "2",
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
