// Small decisions, without an app around them.
import { describe, expect, it } from "vitest";
import openapi from "../../../openapi.json" with { type: "json" };
import { page } from "../src/runtime/server/devtools-page";
import { ENDPOINTS, isEndpoint } from "../src/runtime/server/endpoints";
import { answerTo, missingAbility, refusalIn, unauthenticated } from "../src/runtime/server/refusal";
import type { ServerOptions } from "../src/runtime/server/types";
import type { PublicOptions, State } from "../src/runtime/types";
import { holds, missing } from "../src/runtime/utils/abilities";
import { ownPath, toSignIn } from "../src/runtime/utils/redirect";
import { judge, pageRules } from "../src/runtime/utils/verdict";

const REDIRECTS = { login: "/login", home: "/home", logout: "/" };
const GUEST: State = {
  status: "guest",
  user: null,
  guard: null,
  abilities: [],
  expiresAt: null,
  session: null,
  reason: null,
};
const ADA: State = { ...GUEST, status: "authenticated", abilities: ["orders:read"] };

function at(fullPath: string) {
  const { pathname: path, searchParams } = new URL(fullPath, "http://x");
  return { path, fullPath, query: Object.fromEntries(searchParams) };
}

describe("a page", () => {
  it.each<[string, Parameters<typeof judge>[1], State, string, unknown]>([
    [
      "a guest from a page for users",
      {},
      GUEST,
      "/me?a=1",
      { goTo: { path: "/login", query: { redirect: "/me?a=1" } } },
    ],
    [
      "a guest elsewhere, if it says so",
      { redirectTo: "/join" },
      GUEST,
      "/me",
      { goTo: { path: "/join", query: { redirect: "/me" } } },
    ],
    ["a guest nowhere, if it says so", { redirectTo: false }, GUEST, "/me", { status: 401 }],
    ["a user past", {}, ADA, "/me", null],
    ["a user with the ability past", { abilities: "orders:read" }, ADA, "/me", null],
    [
      "a user without it away",
      { abilities: ["orders:read", "admin"] },
      ADA,
      "/me",
      { status: 403, message: "This page needs: admin." },
    ],
    [
      "a user without it elsewhere",
      { abilities: "admin", redirectTo: "/home" },
      ADA,
      "/me",
      { goTo: "/home" },
    ],
    ["a guest past a page for guests", { guestOnly: true }, GUEST, "/login", null],
    ["a user from there home", { guestOnly: true }, ADA, "/login", { goTo: "/home" }],
    [
      "a user from there to what they wanted",
      { guestOnly: true },
      ADA,
      "/login?redirect=/me",
      { goTo: "/me" },
    ],
    [
      "a user from there, but to no other site",
      { guestOnly: true },
      ADA,
      "/login?redirect=//evil.example",
      { goTo: "/home" },
    ],
    ["nobody in a circle", { guestOnly: true }, ADA, "/home", null],
  ])("sends %s", (_, rules, state, path, verdict) => {
    const found = judge(at(path), rules, state, REDIRECTS);
    if (verdict === null) expect(found).toBeNull();
    else expect(found).toMatchObject(verdict as object);
  });

  it("says what it asks by its meta, and the option speaks for the others", () => {
    const rules = (meta: object, globalMiddleware: boolean, path = "/x") =>
      pageRules(
        { path, meta, matched: [{}] } as never,
        { redirects: REDIRECTS, globalMiddleware } as PublicOptions,
      );
    expect(rules({}, false)).toBeNull();
    expect(rules({}, true)).toEqual({});
    expect(rules({}, true, "/login")).toBeNull();
    expect(rules({ auth: false }, true)).toBeNull();
    expect(rules({ auth: true }, false)).toEqual({});
    expect(rules({ auth: "guest" }, true)).toEqual({ guestOnly: true });
    expect(rules({ auth: { abilities: ["a"] } }, false)).toEqual({ abilities: ["a"] });
    expect(
      pageRules({ path: "/x", meta: {}, matched: [] }, {
        redirects: REDIRECTS,
        globalMiddleware: true,
      } as PublicOptions),
    ).toBeNull();
  });
});

describe("a path that somebody wants", () => {
  it.each(["/", "/me", "/me?a=1&b=%2F%2Fx", "/me#part", "/a//b", "/caf%C3%A9"])(
    "%s is of this site",
    (path) => {
      expect(ownPath(path)).toBe(path);
    },
  );

  it.each([
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\u00a0/evil.example",
    "/\u2028/x",
    "/\ufeff//evil.example",
    " /x",
    "/x\u0000",
    "https://evil.example",
    "javascript:alert(1)",
    "evil",
    "",
    undefined,
    null,
    ["/me"],
    7,
  ])("%j is not", (path) => {
    expect(ownPath(path)).toBeNull();
  });

  it("is not worth a word if it is the start page", () => {
    expect(toSignIn("/login", "/")).toEqual({ path: "/login" });
    expect(toSignIn("/login", "/login")).toEqual({ path: "/login" });
  });
});

describe("abilities", () => {
  it("match exactly, and * is all of them", () => {
    expect(holds(["a", "b"], ["a"])).toBe(true);
    expect(holds(["*"], ["a", "b"])).toBe(true);
    expect(missing(["a", " *", "**", "A"], ["a", "b"])).toEqual(["b"]);
    expect(holds([], [])).toBe(true);
  });
});

describe("the endpoints", () => {
  const options = { basePath: "/api/auth", sanctum: false } as ServerOptions;

  it("are those of the document, all of them", () => {
    const paths = Object.keys(openapi.paths).map((path) => path.replace(/^\/api\/auth/, ""));
    expect(paths.length).toBeGreaterThan(10);
    for (const path of paths) expect(path.replace(/\{\w+\}/g, "7"), path).toMatch(ENDPOINTS);
  });

  it.each([
    "/api/auth",
    "/api/auth/",
    "/api/auth/getToken",
    "/api/auth/login/",
    "/api/auth//login",
    "/api/auth/sessions/a/b",
    "/api/authx/login",
  ])("do not include %s", (path) => expect(isEndpoint("POST", path, options)).toBe(false));

  it("of Laravel are there where they are asked for, with their methods", () => {
    const sanctum = { ...options, sanctum: true };
    expect(isEndpoint("POST", "/login", sanctum)).toBe(true);
    expect(isEndpoint("GET", "/login", sanctum)).toBe(false);
    expect(isEndpoint("POST", "/login", options)).toBe(false);
  });
});

describe("the DevTools page", () => {
  it("escapes whatever it shows", () => {
    const evil = `<img src=x onerror="alert('1')">&`;
    const refused = { at: evil, method: evil, path: evil, refusal: missingAbility([evil]) };
    const html = page({ user: { name: evil, [evil]: 1 }, guard: evil, abilities: [evil], expiresAt: evil }, [
      refused,
    ]);
    expect(html).not.toContain("<img");
    expect(html).not.toContain('onerror="');
    expect(page(evil, [])).not.toContain("<img");
    expect(page({ user: null, reason: evil }, [])).not.toContain("<img");
  });

  it("says why a request was refused", () => {
    const html = page({ user: null }, [
      { at: "now", method: "GET", path: "/api/x", refusal: unauthenticated() },
    ]);
    expect(html).toContain("401 unauthenticated");
    expect(html).toContain("Nobody is signed in.");
  });
});

describe("a refusal", () => {
  it("is answered with problem details and its own headers, each once", () => {
    const { status, headers, body } = answerTo({
      ...unauthenticated(),
      headers: ["Cache-Control", "max-age=9", "www-authenticate", "Bearer"],
    });
    expect(status).toBe(401);
    expect(headers.filter((name) => /^cache-control$/i.test(name))).toHaveLength(1);
    expect(headers).toContain("www-authenticate");
    expect(JSON.parse(new TextDecoder().decode(body!))).toMatchObject({
      code: "unauthenticated",
      status: 401,
    });
  });
});

describe("what an endpoint answers", () => {
  it("is a refusal in the words that it was told with", () => {
    expect(refusalIn(answerTo(missingAbility(["admin"])))).toMatchObject({
      status: 403,
      code: "missing_ability",
      problem: { missing: ["admin"] },
    });
    expect(refusalIn(answerTo(unauthenticated()))).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  it.each([
    { status: 200, headers: [], body: new TextEncoder().encode("{}") },
    { status: 401, headers: [], body: null },
    { status: 403, headers: [], body: new TextEncoder().encode("<html>") },
    { status: 403, headers: [], body: new TextEncoder().encode('{"status":401}') },
  ])("is none where it says nothing of one: $status", (answer) => {
    expect(refusalIn(answer)).toBeNull();
  });
});
