// The examples of README.md, run as they stand there.

import { readFile } from "node:fs/promises";
import { afterEach, expect, it, vi } from "vitest";
import * as published from "../src/index.js";
import { Browser, PERSON, Server, settled } from "./world.js";

const blocks = async () => {
  const text = await readFile(new URL("../README.md", import.meta.url), "utf8");
  return [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!);
};

/** The statements of a block as a function that answers `auth`; its import becomes a parameter. */
function run(code: string, client: object, scope: Record<string, unknown>): Promise<published.Client> {
  const body = code.replace(/^import (\{.*\}) from "@adyton\/client";$/m, "const $1 = client;");
  const AsyncFunction = (async () => undefined).constructor as new (...parts: string[]) => (...values: unknown[]) => Promise<published.Client>;
  return new AsyncFunction("client", ...Object.keys(scope), `${body}\nreturn auth;`)(client, ...Object.values(scope));
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("shows a page that signs in and out", async () => {
  vi.useFakeTimers();
  const server = new Server();
  const browser = new Browser(server);
  const client = { ...published, createClient: (options: published.ClientOptions = {}) => browser.tab(options) };
  const who = { textContent: "" };
  const form: { onsubmit?: (event: unknown) => Promise<void> } = {};
  vi.stubGlobal("document", Object.assign(document, { querySelector: (id: string) => (id === "#who" ? who : form) }));
  const alert = vi.fn();
  const FormData = class extends Map<string, unknown> {
    constructor(target: object) {
      super(Object.entries(target));
    }
  };
  const [first] = await blocks();
  const auth = await run(first!, client, { alert, FormData });
  expect(who.textContent).toBe("Not signed in");
  const submit = (password: string) => form.onsubmit?.({ target: { ...PERSON, password }, preventDefault: vi.fn() });
  await submit("wrong");
  expect(alert).toHaveBeenCalledWith("E-mail or password is wrong");
  await submit(PERSON.password);
  expect(who.textContent).toBe("Hello Ada");
  expect(server.asked("GET /api/orders")).toHaveLength(1);
  await auth.logout();
  expect(who.textContent).toBe("Not signed in");
  browser.close();
});

it("shows a client of tokens on another site", async () => {
  vi.useFakeTimers();
  const browser = new Browser(new Server());
  const client = { ...published, createClient: (options: published.ClientOptions) => browser.tab(options) };
  const auth = await run((await blocks())[1]!, client, {});
  await auth.login(PERSON);
  await settled();
  expect(browser.stored.get("adyton")).toContain("adt_1");
  browser.close();
});
