// The composable of examples/vue in a Vue app that is rendered to text, again after each change.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createSSRApp, defineComponent, h } from "vue";
import { renderToString } from "vue/server-renderer";
import { session, type Session, useSession } from "../examples/vue/useSession.js";
import { Browser, offline, PERSON, Server, settled } from "./world.js";

let server: Server;
let browser: Browser;
let shown: Session;

const Greeting = defineComponent(() => {
  shown = useSession();
  const { state, isSignedIn, can } = shown;
  return () => h("p", isSignedIn.value ? `Hello, ${state.value.user!.name}! ${can("reports")}` : state.value.status);
});

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  browser = new Browser(server);
});

afterEach(() => {
  shown.client.close();
  browser.close();
  vi.useRealTimers();
});

const app = () => createSSRApp(Greeting).use(session({ fetch: (input, init) => server.fetch(browser.jar, input, init) }));

it("follows the session from the first question to the sign-out", async () => {
  const page = app();
  expect(await renderToString(page)).toBe("<p>loading</p>");
  await settled();
  expect(shown.state.value.status).toBe("guest");
  await shown.client.login(PERSON);
  expect(shown.isSignedIn.value).toBe(true);
  expect(shown.state.value.user).toMatchObject({ name: "Ada" });
  expect(shown.can("reports")).toBe(true);
  await shown.client.logout();
  expect([shown.isSignedIn.value, shown.can("reports")]).toEqual([false, false]);
});

it("signs nobody out because the server cannot be reached", async () => {
  server.instead = offline;
  await renderToString(app());
  await settled();
  expect(shown.state.value.status).toBe("loading");
});

it("says what is missing where the app does not use it", async () => {
  await expect(renderToString(createSSRApp(Greeting))).rejects.toThrow("app.use(session()) comes first");
});
