// Server mode against the real `adyton serve`.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type App, freePort, startApp, Visitor } from "./support/app";

const BINARY = process.env.ADYTON_BINARY ?? new URL("../../../target/debug/adyton", import.meta.url).pathname;
/** With a `Host` of one's own, which `fetch` does not send. */
function asked({ url }: { url: string }, path: string, headers: Record<string, string>, body?: string) {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const method = body === undefined ? "GET" : "POST";
    const sent = request(url + path, { method, headers: { ...headers, ...type } }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => { resolve({ status: response.statusCode!, headers: response.headers, text }); });
    });
    sent.on("error", reject).end(body);
  });
}

const isThere = existsSync(BINARY);
if (!isThere) console.warn(`skipped: server mode, for there is no ${BINARY} (cargo build, or ADYTON_BINARY)`);

describe.skipIf(!isThere)("an app in front of a server", () => {
  const folder = mkdtempSync(join(tmpdir(), "adyton-server-"));
  let server: ChildProcess;
  let serverUrl: string;
  let app: App;
  let ada: Visitor;

  async function startServer(port: number, publicUrl: string | null) {
    const env = {
      PATH: process.env.PATH,
      ADYTON_SERVER__LISTEN: `127.0.0.1:${port}`,
      ADYTON_SERVER__TRUSTED_PROXIES: "127.0.0.1",
      ...(publicUrl !== null && { ADYTON_SERVER__PUBLIC_URL: publicUrl }),
    };
    server = spawn(BINARY, ["serve"], { cwd: folder, env, stdio: "ignore" });
    for (let turn = 0; turn < 200; turn += 1) {
      const isReady = await fetch(`${serverUrl}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReady) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("the server has not started");
  }

  function stopServer(): Promise<unknown> {
    return new Promise((resolve) => {
      server.once("exit", resolve);
      server.kill("SIGTERM");
    });
  }

  beforeAll(async () => {
    const [port, appPort] = [await freePort(), await freePort()];
    serverUrl = `http://127.0.0.1:${port}`;
    await startServer(port, `http://127.0.0.1:${appPort}`);
    app = await startApp({ NUXT_ADYTON_BASE_URL: serverUrl, NITRO_PORT: String(appPort) }, "remote");
    ada = new Visitor(app);
    await ada.register("Ada");
  });
  afterAll(async () => {
    await app.stop();
    await stopServer();
    rmSync(folder, { recursive: true, force: true });
  });

  it("signs in through the app, so that cookies are its own", async () => {
    expect([...ada.cookies.keys()].sort()).toEqual(["XSRF-TOKEN", "adyton_device", "adyton_session"]);
    expect(await ada.who("/")).toBe("authenticated:Ada:*");
    expect(await ada.who("/orders")).toBe("Ada");
  });

  it("guards its routes with the words of the server", async () => {
    const guest = new Visitor(app, {});
    expect(await guest.json("/api/orders")).toMatchObject({ status: 401, code: "unauthenticated" });
    expect((await guest.fetch("/api/public/prices")).status).toBe(200);
    const bad = await guest.fetch("/api/orders", { headers: { authorization: "Bearer adt_nothing" } });
    expect(bad.status).toBe(401);
    expect(await bad.json()).toMatchObject({ code: "token_invalid" });
    expect(bad.headers.get("www-authenticate")).toContain("invalid_token");
  });

  it("refuses a forged request to its own routes", async () => {
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    expect((await ada.fetch("/api/orders", { method: "POST", headers })).status).toBe(403);
    expect((await ada.fetch("/api/orders", { method: "POST" })).status).toBe(200);
  });

  it("counts people and not itself: five failures of one address are another's no trouble", async () => {
    const attempt = (from: string) =>
      new Visitor(app, { "x-forwarded-for": from })
        .fetch("/api/auth/login", { json: { email: "ada@example.com", password: "wrong password" } })
        .then(({ status }) => status);
    // The app believes nobody's `X-Forwarded-For`, but it passes it on, and the server trusts 127.0.0.1, as it is here.
    for (let turn = 0; turn < 5; turn += 1) expect(await attempt("203.0.113.1")).toBe(401);
    expect(await attempt("203.0.113.1")).toBe(429);
    expect(await attempt("203.0.113.2")).toBe(401);
  });

  it("signs nobody out while the server is away", async () => {
    const { port } = new URL(serverUrl);
    await stopServer();
    const away = await ada.fetch("/api/orders");
    expect(away.status).toBe(503);
    expect(away.headers.get("retry-after")).toBe("1");
    expect(await ada.who("/")).toBe("loading:-:");
    expect((await ada.fetch("/private")).status).toBe(503);
    expect((await ada.fetch("/api/optional")).status).toBe(503);
    expect(ada.cookies.has("adyton_session")).toBe(true);
    expect(app.log()).toMatch(/does not answer.*ECONNREFUSED/);
    expect(app.log()).not.toContain(ada.cookies.get("adyton_session"));
    await startServer(Number(port), app.url);
    expect(await ada.who("/private")).toBe("authenticated:Ada:*");
  });

  it("sets cookies on localhost only where the server knows no public URL", async () => {
    const { port } = new URL(serverUrl);
    await stopServer();
    await startServer(Number(port), null);
    const front = await startApp({ NUXT_ADYTON_BASE_URL: serverUrl }, "remote");
    const json = JSON.stringify({ email: "ada@example.com", password: "a long enough password" });
    const signIn = (host: string, body = json) => asked(front, "/api/auth/login", { host, "sec-fetch-site": "same-origin" }, body);
    const refused = await signIn("app.example");
    expect([refused.status, refused.headers["set-cookie"]]).toEqual([403, undefined]);
    const engine = await asked({ url: serverUrl }, "/api/auth/login", { host: "app.example", "sec-fetch-site": "same-origin" }, json);
    expect(JSON.parse(refused.text)).toEqual(JSON.parse(engine.text));
    const { headers, status } = await signIn("localhost:3000");
    expect(status).toBe(200);
    const cookie = headers["set-cookie"]!.map((line) => line.split(";", 1)[0]).join("; ");
    expect((await asked(front, "/api/orders", { host: "localhost:3000", cookie })).status).toBe(200);
    expect((await asked(front, "/api/orders", { host: "app.example", cookie })).status).toBe(401);
    const { token } = JSON.parse((await signIn("app.example", json.replace("}", ',"guard":"token"}'))).text) as { token: string };
    expect((await asked(front, "/api/orders", { host: "app.example", authorization: `Bearer ${token}` })).status).toBe(200);
    expect(front.log()).toContain("set `server.public_url` of the server");
    await front.stop();
    await stopServer();
    await startServer(Number(port), app.url);
  });

  it("hears at once of a session that was ended", async () => {
    await ada.fetch("/api/auth/logout", { method: "POST" });
    expect((await ada.fetch("/api/orders")).status).toBe(401);
  });
});
