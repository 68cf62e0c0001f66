// What stops a build, and where options go.
import { describe, expect, it, vi } from "vitest";
import { check } from "../src/check";
import { type ModuleOptions, privateOptions, publicOptions, readOptions } from "../src/options";
import { withoutPlaces, withPlaces } from "../src/runtime/server/deployment";

const SERVER: ModuleOptions = { mode: "server", baseUrl: "http://127.0.0.1:8000" };
const log = { warn: vi.fn() };

async function complaint(options: object): Promise<string> {
  try {
    await check(readOptions(options, undefined), false, log as never);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("options", () => {
  it("need not be there", async () => {
    expect(await complaint({})).toBe("");
  });

  it("are those of the specification", async () => {
    const all = {
      authTable: "users",
      connector: { name: "sqlite", options: { path: "./x.sqlite3" } },
      noAuthRoutes: ["POST:/api/auth/login"],
      prefix: "Bearer",
      tokenField: "token",
      tokenHeader: "Authorization",
      tokenTable: "personal_access_tokens",
      tokenExpiration: 3600,
      refreshTokenExpiration: "30d",
      tokenAbilities: ["*"],
      csrfProtection: true,
      sessionGuard: "both",
      rateLimiting: { enabled: true, maxAttempts: 5, decayMinutes: 1 },
    };
    expect(await complaint(all)).toBe("");
  });

  it.each<[object, RegExp]>([
    [{ tokenHeadr: "x" }, /adyton\.tokenHeadr: .*token_?header/i],
    [{ rateLimiting: { maxAttemps: 1 } }, /adyton\.rateLimiting\.maxAttemps/],
    [{ token_header: "x" }, /adyton\.token_header: write `tokenHeader`/],
    [{ tokenExpiration: "soon" }, /adyton\.tokenExpiration/],
    [{ tokenExpiration: "60d" }, /refresh_?token_?expiration/i],
    [{ sessionGuard: "cookie" }, /adyton\.sessionGuard/],
    [{ connector: { url: "sqlite://x", options: { path: "y" } } }, /adyton\.connector/],
    [{ noAuthRoutes: ["/api/x"] }, /adyton\.noAuthRoutes: "\/api\/x": begin with a method/],
    [{ noAuthRoutes: ["GET:/api/:id"] }, /a placeholder is a whole segment/],
    [{ mode: "remote" }, /adyton\.mode: must be "embedded" or "server"/],
    [{ baseUrl: "http://x" }, /adyton\.baseUrl: has no effect in embedded mode: set mode: "server"/],
    [{ mode: "server" }, /adyton\.baseUrl: mode: "server" needs to know where/],
    [{ mode: "server", baseUrl: "127.0.0.1:8000" }, /adyton\.baseUrl: must be an URL/],
    [{ ...SERVER, authTable: "people" }, /adyton\.authTable: belongs to the server .*set `auth_table`/],
    [
      { ...SERVER, connector: { options: { path: "x" } } },
      /adyton\.connector\.options\.path: .*`connector\.options\.path`/,
    ],
    [
      { ...SERVER, rateLimiting: { limits: { loginAddress: "1/1m" } } },
      /`rate_limiting\.limits\.login_address`/,
    ],
    [{ ...SERVER, tokenHeadr: "x" }, /adyton\.tokenHeadr: there is no such option/],
    [{ ...SERVER, importPlaintextTokens: true }, /adyton migrate --import-plaintext-tokens/],
    [
      { importPlaintextTokens: true, compat: { importedTokens: false } },
      /adyton\.compat\.importedTokens: must be true/,
    ],
    [{ redirects: { login: "https://elsewhere.example" } }, /adyton\.redirects: must be false, or paths/],
    [{ redirects: { signin: "/x" } }, /adyton\.redirects/],
    [{ globalMiddleware: "yes" }, /adyton\.globalMiddleware: must be true or false/],
  ])("%j cannot stand", async (options, words) => {
    expect(await complaint(options)).toMatch(words);
  });

  it("of a server are those that this side needs", async () => {
    expect(
      await complaint({
        ...SERVER,
        noAuthRoutes: [],
        tokenHeader: "T",
        prefix: "",
        sessionGuard: "token",
        server: { basePath: "/api/x" },
      }),
    ).toBe("");
  });

  it("of nuxt-token-authentication mean what they meant there", () => {
    expect(readOptions({}, { noAuthRoutes: ["GET:/x"] })).toMatchObject({
      tokenHeader: "Token",
      prefix: "",
      connector: { options: { path: "./data/db.sqlite3" } },
      noAuthRoutes: ["GET:/x"],
    });
    expect(readOptions({ prefix: "Bearer" }, { tokenHeader: "Authorization" })).toMatchObject({
      tokenHeader: "Authorization",
      prefix: "Bearer",
    });
  });
});

describe("the browser", () => {
  it("is told what it needs and no secret", () => {
    const options = readOptions(
      {
        connector: { name: "postgresql", options: { password: "secret" } },
        sessionGuard: "token",
        prefix: "",
      },
      undefined,
    );
    expect(publicOptions(options)).toEqual({
      basePath: "/api/auth",
      clientMode: "token",
      tokenHeader: "Authorization",
      prefix: "",
      redirects: { login: "/login", home: "/", logout: "/" },
      globalMiddleware: false,
    });
    expect(privateOptions(options)).toMatchObject({ connector: { options: { password: "secret" } } });
  });
});

describe("a deployment", () => {
  it("finds a place for each of its values, and leaves nothing behind where it sets none", () => {
    const options = { prefix: "", noAuthRoutes: [], tokenExpiration: 60, password: { minLength: 10 } };
    const places = withPlaces(options);
    expect(places).toMatchObject({
      baseUrl: "",
      connector: { url: "", options: { password: "" } },
      server: { publicUrl: "", trustedProxies: "" },
    });
    expect(withoutPlaces(places)).toEqual(options);
  });

  it("keeps what the build has set", () => {
    const options = {
      connector: { name: "sqlite", options: { path: "./a" } },
      server: { publicUrl: "https://a.example", trustedProxies: ["::1"] },
    };
    expect(withoutPlaces(withPlaces(options))).toEqual(options);
  });

  it("may say more than text: lists, numbers, and passwords of digits", () => {
    const config = {
      connector: { options: { port: "5432", password: 123456, host: "db" } },
      server: { trustedProxies: "10.0.0.0/8, ::1" },
    };
    expect(withoutPlaces(config)).toEqual({
      connector: { options: { port: 5432, password: "123456", host: "db" } },
      server: { trustedProxies: ["10.0.0.0/8", "::1"] },
    });
  });

  it("names a whole database by a URL, whatever parts the build knew", () => {
    const config = { connector: { name: "sqlite", url: "sqlite://./b", options: { path: "./a" } } };
    expect(withoutPlaces(config)).toEqual({ connector: { name: "sqlite", url: "sqlite://./b" } });
    config.connector.url = "postgresql://u@h/d";
    expect(withoutPlaces(config)).toEqual({ connector: { name: "postgresql", url: "postgresql://u@h/d" } });
  });
});
