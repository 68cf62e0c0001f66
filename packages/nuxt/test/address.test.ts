// From where a request comes, by its connection.
import type { H3Event } from "h3";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { address } from "../src/runtime/server/peer";

/** What `see` makes of one request to a server that listens there, which `send` sends. */
async function seen<T>(at: string | number, see: (req: IncomingMessage) => T, send: (port: number) => void): Promise<T> {
  const server = createServer();
  const found = new Promise<T>((resolve, reject) => {
    server.on("request", (req, res) => {
      void Promise.resolve(see(req)).then(resolve, reject);
      res.on("error", () => undefined).end();
    });
  });
  await new Promise<void>((resolve) => (typeof at === "string" ? server.listen(at, resolve) : server.listen(at, "127.0.0.1", resolve)));
  send((server.address() as { port: number }).port);
  return found.finally(() => server.close());
}

function addressOf(req: IncomingMessage): string | undefined {
  return address({ node: { req }, context: {} } as unknown as H3Event);
}

it("is the other end of a TCP connection", async () => {
  const send = (port: number) => request({ port, host: "127.0.0.1" }).end();
  expect(await seen(0, addressOf, send)).toBe("127.0.0.1");
});

it("is this machine through a socket file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "adyton-socket-"));
  const socketPath = join(folder, "app.sock");
  expect(await seen(socketPath, addressOf, () => request({ socketPath }).end())).toBe("127.0.0.1");
  rmSync(folder, { recursive: true });
});

it("is not this machine where the client is gone", async () => {
  const gone = (req: IncomingMessage) =>
    new Promise<string | undefined>((resolve, reject) => {
      req.socket.once("close", () => {
        try {
          resolve(addressOf(req));
        } catch (error) {
          reject(error instanceof Error ? error : new Error("?"));
        }
      });
    });
  const send = (port: number) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
  };
  await expect(seen(0, gone, send)).rejects.toMatchObject({ statusCode: 400 });
});
