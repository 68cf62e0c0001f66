// Bodies that do not come: whoever holds one open for nothing is told so, and hung up on.
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { createApp, defineEventHandler, type H3Event, toNodeListener } from "h3";
import { afterEach, describe, expect, it, vi } from "vitest";
import { body } from "../src/runtime/server/raw";
import { type App, startApp } from "./support/app";

const server = vi.hoisted(() => ({ bodyTimeout: undefined as number | string | undefined }));
vi.mock("nitropack/runtime", () => ({ useRuntimeConfig: () => ({ adyton: { server } }) }));

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Told {
  head: string;
  problem: Record<string, unknown>;
  seconds: number;
}

/** What a client is told until it is hung up on; it sends a byte now and then. */
function trickle(port: number): Promise<Told> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    let heard = "";
    const head =
      "POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 90";
    const socket = connect(port, "127.0.0.1", () => socket.write(`${head}\r\n\r\n{`));
    const more = setInterval(() => socket.write(" "), 300);
    endings.push(() => clearInterval(more));
    socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    // The last byte may come after the end.
    socket.on("error", () => heard || reject(new Error("hung up on without a word")));
    socket.once("close", () => {
      clearInterval(more);
      const [told = "", text = ""] = heard.split("\r\n\r\n");
      const problem = JSON.parse(/\{.*\}/s.exec(text)?.[0] ?? "{}") as Told["problem"];
      resolve({ head: told, problem, seconds: (performance.now() - started) / 1000 });
    });
  });
}

describe("how long a body is waited for", () => {
  async function read(bodyTimeout: number | string): Promise<unknown> {
    server.bodyTimeout = bodyTimeout;
    let outcome: unknown;
    const handler = defineEventHandler(async (event: H3Event) => {
      outcome = await body(event).catch((error: unknown) => error);
      return "read";
    });
    const listening = createServer(toNodeListener(createApp().use(handler))).listen(0, "127.0.0.1");
    endings.push(() => listening.close().closeAllConnections());
    await new Promise((resolve) => listening.once("listening", resolve));
    await Promise.race([
      trickle((listening.address() as AddressInfo).port),
      new Promise((resolve) => setTimeout(resolve, 2000)),
    ]);
    return outcome;
  }

  it.each([1, "1", "1s"])("is what `server.bodyTimeout: %j` says", async (bodyTimeout) => {
    expect(await read(bodyTimeout)).toMatchObject({ status: 408, code: "request_timeout" });
  });

  it.each([3, "1m", "100d"])("and no shorter: %j", async (bodyTimeout) => {
    expect(await read(bodyTimeout)).toBeUndefined();
  });
});

describe.each(["embedded", "remote"] as const)("an app whose engine is %s", (build) => {
  it("tells who trickles after ten seconds, and hangs up", { timeout: 30_000 }, async () => {
    const app: App = await startApp({}, build);
    endings.push(() => app.stop());
    const { head, problem, seconds } = await trickle(Number(new URL(app.url).port));
    expect(head).toMatch(/^HTTP\/1\.1 408 /);
    expect(head).toMatch(/^connection: close$/im);
    expect(head).toMatch(/^content-type: application\/problem\+json$/im);
    expect(problem).toEqual({
      type: "about:blank",
      title: "Request Timeout",
      status: 408,
      detail: "the body did not arrive in time",
      code: "request_timeout",
      message: "the body did not arrive in time",
    });
    expect(seconds).toBeGreaterThan(9);
    expect(seconds).toBeLessThan(20);
    expect((await fetch(`${app.url}/api/public/prices`)).status).toBe(200);
    expect(app.log()).not.toContain("request_timeout");
  });
});
