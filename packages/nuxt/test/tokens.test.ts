// Token mode: the tokens stand in a cookie that the page's scripts read, and the server as well.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type App, startApp, Visitor } from "./support/app";

let app: App;
let ada: Visitor;

/** Signs up as the client of the browser does, and keeps the tokens where it keeps them. */
async function signUp(name: string, renewIn: number, headers?: Record<string, string>): Promise<Visitor> {
  const visitor = new Visitor(app, headers);
  const answer = await visitor.register(name, { guard: "token" });
  visitor.cookies.set(
    "adyton_tokens",
    encodeURIComponent(JSON.stringify({ ...answer, renewAt: Date.now() + renewIn })),
  );
  return visitor;
}

function tokensOf(visitor: Visitor): { token: string; refreshToken: string } {
  return JSON.parse(decodeURIComponent(visitor.cookies.get("adyton_tokens")!)) as {
    token: string;
    refreshToken: string;
  };
}

beforeAll(async () => {
  app = await startApp({ NUXT_ADYTON_SESSION_GUARD: "token", NUXT_PUBLIC_ADYTON_CLIENT_MODE: "token" });
  ada = await signUp("Ada", 600_000);
});
afterAll(() => app.stop());

describe("a page in token mode", () => {
  it("knows its visitor", async () => {
    expect(await ada.who("/")).toBe("authenticated:Ada:*");
    expect(await ada.who("/private")).toBe("authenticated:Ada:*");
  });

  it("has no token in its HTML", async () => {
    const html = await (await ada.fetch("/")).text();
    const { token, refreshToken } = tokensOf(ada);
    expect(html).not.toContain(token);
    expect(html).not.toContain(refreshToken);
    expect(html).not.toMatch(/ad[trsd]_\w/);
  });

  it("signs what it fetches from the app's own routes", async () => {
    expect(await ada.who("/orders")).toBe("Ada");
  });

  it("does not take the cookie for a credential of a route: any site could send it along", async () => {
    expect((await ada.fetch("/api/orders")).status).toBe(401);
    expect(
      (await ada.fetch("/api/orders", { headers: { authorization: `Bearer ${tokensOf(ada).token}` } }))
        .status,
    ).toBe(200);
  });

  it("gets the next pair while it is rendered, once, and sets it", async () => {
    const bob = await signUp("Bob", -1000);
    const before = tokensOf(bob);
    const response = await bob.fetch("/orders");
    expect(await response.text()).toContain(">Bob<");
    expect(response.headers.getSetCookie().filter((line) => line.startsWith("adyton_tokens="))).toHaveLength(
      1,
    );
    const after = tokensOf(bob);
    expect(after.refreshToken).not.toBe(before.refreshToken);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(await bob.who("/")).toBe("authenticated:Bob:*");
  });

  it("gets the same pair in two tabs that are opened at once", async () => {
    const cy = await signUp("Cy", -1000);
    const copy = new Visitor(app);
    for (const [name, value] of cy.cookies) copy.cookies.set(name, value);
    expect(await Promise.all([cy.who("/"), copy.who("/")])).toEqual([
      "authenticated:Cy:*",
      "authenticated:Cy:*",
    ]);
    expect(tokensOf(cy).token).toBe(tokensOf(copy).token);
  });

  it("is a guest's when the session is over, and forgets the tokens", async () => {
    const dan = await signUp("Dan", -1000);
    const { token, refreshToken } = tokensOf(dan);
    await dan.fetch("/api/auth/logout", {
      json: { refreshToken },
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await dan.who("/")).toBe("guest:-:");
    expect(dan.cookies.has("adyton_tokens")).toBe(false);
  });

  it.each([
    "",
    "x",
    "%7B",
    "%7B%22token%22%3A1%7D",
    encodeURIComponent('{"token":"x","refreshToken":"y"}'),
    "a".repeat(5000),
  ])("stands whatever is in the cookie: %.20s", async (value) => {
    const visitor = new Visitor(app);
    visitor.cookies.set("adyton_tokens", value);
    expect(await visitor.who("/")).toBe("guest:-:");
  });

  it.each([["a guest again", "adr_nothing"], ["a new pair", null]])("gives no cookie to caches: %s", async (_, refreshToken) => {
    const fay = await signUp(`Fay${refreshToken?.length ?? 0}`, -1000);
    const tokens = { ...tokensOf(fay), ...(refreshToken && { refreshToken }) };
    fay.cookies.set("adyton_tokens", encodeURIComponent(JSON.stringify(tokens)));
    const response = await fay.fetch("/shop");
    expect(response.headers.getSetCookie()).toHaveLength(1);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(response.headers.get("cdn-cache-control")).toBeNull();
  });

  it("shows no user to caches", async () => {
    const html = await (await ada.fetch("/cached")).text();
    expect(html).toContain("loading:-:");
  });
});

describe("a token header of one's own", () => {
  let own: App;
  beforeAll(async () => {
    own = await startApp({
      NUXT_ADYTON_TOKEN_HEADER: "Token",
      NUXT_ADYTON_PREFIX: "",
      NUXT_PUBLIC_ADYTON_TOKEN_HEADER: "Token",
      NUXT_PUBLIC_ADYTON_PREFIX: "",
    });
  });
  afterAll(() => own.stop());

  it("carries the bare token", async () => {
    const eve = new Visitor(own);
    const { token } = (await eve.register("Eve", { guard: "token" })) as { token: string };
    const anonymous = new Visitor(own, {});
    expect(await anonymous.json("/api/orders", { headers: { token } })).toEqual({
      owner: "Eve",
      guard: "token",
    });
    expect(
      (await anonymous.fetch("/api/orders", { headers: { authorization: `Bearer ${token}` } })).status,
    ).toBe(401);
  });
});
