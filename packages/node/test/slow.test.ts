// Bodies that do not come, on real connections: whoever holds one open for nothing is told so, and hung up on.

import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { expect, test } from "vitest";
import { type Auth, nodeHandler } from "@adyton/node";
import { engine, finally_ } from "./world.js";

/** The port of a server with these endpoints. */
async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  finally_(() => server.close().closeAllConnections());
  await new Promise((resolve) => server.once("listening", resolve));
  return (server.address() as AddressInfo).port;
}

const HEAD =
  "POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n";

/** What a client hears until it is hung up on, and how long that takes; it sends a byte now and then. */
function trickle(port: number): Promise<{ heard: string; seconds: number }> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    let heard = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(`${HEAD}{`));
    const more = setInterval(() => socket.write(" "), 300);
    finally_(() => clearInterval(more));
    const end = () => {
      clearInterval(more);
      resolve({ heard, seconds: (performance.now() - started) / 1000 });
    };
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    // The last byte may come after the end.
    socket.once("close", end).on("error", () => heard || reject(new Error("hung up on without a word")));
  });
}

test.each<[string, (auth: Auth) => RequestListener]>([
  ["node:http", (auth) => (request, response) => void nodeHandler(auth)(request, response)],
  ["web requests", (auth) => getRequestListener((request) => auth.handler(request))],
])("a body that trickles in through %s is a 408, and then nothing", async (_, listener) => {
  const { heard, seconds } = await trickle(await serve(listener(engine({ server: { bodyTimeout: 1 } }))));
  expect(heard).toMatch(/^HTTP\/1\.1 408 /);
  expect(heard).toMatch(/^connection: close\r$/im);
  expect(heard).toContain('"code":"request_timeout"');
  expect(heard.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect(seconds).toBeGreaterThan(0.9);
  expect(seconds).toBeLessThan(5);
});

test("who hangs up in the middle of a body does no harm", async () => {
  const auth = engine({ server: { bodyTimeout: 1 } });
  const port = await serve((request, response) => void nodeHandler(auth)(request, response));
  const socket = connect(port, "127.0.0.1", () => socket.write(`${HEAD}{`, () => socket.destroy()));
  await new Promise((resolve) => socket.once("close", resolve));
  expect((await fetch(`http://127.0.0.1:${port}/api/auth/session`)).status).toBe(200);
});
