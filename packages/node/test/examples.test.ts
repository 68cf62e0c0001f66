// Each example as its own process, used by a client of tokens, a browser and a stranger.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ADA, finally_, folder } from "./world.js";

async function start(name: string): Promise<{ url: string; server: ChildProcess }> {
  const file = join(import.meta.dirname, "../examples", name, "server.mjs");
  const env = { ...process.env, PORT: "0", DATABASE: join(folder(), "auth.sqlite3") };
  const server = spawn(process.execPath, [file], { env, stdio: ["ignore", "pipe", "inherit"] });
  finally_(() => server.exitCode === null && server.kill("SIGKILL"));
  const [line] = (await once(server.stdout, "data")) as [Buffer];
  return { url: line.toString().trim(), server };
}

/** A body of several chunks, whose length nobody announces. */
function upload(url: string, chunks: number): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const sent = request(url, { method: "POST", headers }, (response) => {
      const body: Buffer[] = [];
      response.on("data", (chunk: Buffer) => body.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode, body: Buffer.concat(body).toString() }),
      );
    });
    sent.on("error", reject);
    for (let at = 0; at < chunks; at += 1) sent.write(Buffer.alloc(16 * 1024, " "));
    // It never ends, so that an answer shows that nobody waits for the end.
  });
}

test.each(["hono", "express", "fastify", "h3"])(
  "%s signs in, knows who calls, and refuses the rest",
  async (name) => {
    const { url, server } = await start(name);
    const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
    const orders = (headers: Record<string, string> = {}) => fetch(`${url}/api/orders`, { headers });

    expect((await post("/api/auth/register", { ...ADA, guard: "token" })).status).toBe(201);
    const login = await post("/api/auth/login", { ...ADA, guard: "token" });
    const { token } = (await login.json()) as { token: string };
    const user = await orders({ authorization: `Bearer ${token}` });
    expect([user.status, await user.json()]).toEqual([200, { orders: [], of: "Ada" }]);
    expect((await post("/api/orders", {}, { authorization: `Bearer ${token}` })).status).toBe(201);

    expect((await orders()).status).toBe(401);
    const stranger = await orders({ authorization: `Bearer ${token}x` });
  expect(stranger.headers.get("www-authenticate")).toContain("invalid_token");
  expect([stranger.status, await stranger.json()]).toMatchObject([401, { code: "token_invalid" }]);
    const wrong = await post("/api/auth/login", { ...ADA, password: "wrong horse 1" });
    expect([wrong.status, await wrong.json()]).toMatchObject([401, { code: "invalid_credentials" }]);

    const browser = await post("/api/auth/login", ADA, { "sec-fetch-site": "same-origin" });
    const cookies = browser.headers.getSetCookie();
    expect(cookies).toHaveLength(3);
    const cookie = cookies.map((line) => line.split(";")[0]).join("; ");
    expect((await orders({ cookie })).status).toBe(200);
    expect((await post("/api/orders", {}, { cookie, "sec-fetch-site": "same-origin" })).status).toBe(201);
    expect((await post("/api/orders", {}, { cookie, "sec-fetch-site": "cross-site" })).status).toBe(403);

    expect(await upload(`${url}/api/auth/login`, 5)).toMatchObject({ status: 413 });
    const devices = (await (
      await fetch(`${url}/api/auth/sessions`, { headers: { authorization: `Bearer ${token}` } })
    ).json()) as {
      sessions: { ipAddress: string }[];
    };
    expect(devices.sessions[0]!.ipAddress).toBe("127.0.0.0");

    server.kill("SIGTERM");
    expect(await once(server, "exit")).toEqual([0, null]);
  },
);
