// What a rendered page says of its visitor, and to whom it may be given.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type App, startApp, Visitor } from "./support/app";

let app: App;
let guest: Visitor;
let ada: Visitor;

beforeAll(async () => {
  app = await startApp();
  guest = new Visitor(app, { "sec-fetch-site": "none" });
  ada = new Visitor(app);
  await ada.register("Ada");
});
afterAll(() => app.stop());

describe("a page", () => {
  it("knows its visitor in the first HTML", async () => {
    expect(await ada.who("/")).toBe("authenticated:Ada:*");
  });

  it("asks nothing for a guest, and gives them no cookie", async () => {
    const response = await guest.fetch("/");
    expect(await response.text()).toContain("guest:-:");
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it("sends the cookies of the answer on", async () => {
    const copy = new Visitor(app);
    copy.cookies.set("adyton_session", ada.cookies.get("adyton_session")!);
    await copy.fetch("/");
    expect(copy.cookies.get("XSRF-TOKEN")).toMatch(/^\w{20,}/);
  });

  it("tells whose session was ended that they are a guest, and why", async () => {
    const zoe = new Visitor(app);
    await zoe.register("Zoe");
    const elsewhere = new Visitor(app);
    for (const [name, value] of zoe.cookies) elsewhere.cookies.set(name, value);
    await zoe.fetch("/api/auth/logout", { method: "POST" });
    const html = await (await elsewhere.fetch("/")).text();
    expect(html).toContain("guest:-:");
    expect(html).toContain('"session_revoked"');
  });

  it("fetches from the app's own routes as its visitor", async () => {
    expect(await ada.who("/orders")).toBe("Ada");
    expect(await guest.who("/orders")).toBe("401");
  });

  it("is nobody else's, whoever is rendered at the same time", async () => {
    const names = ["Ada", "Bob", "Cy", "Dan"];
    const people = await Promise.all(
      names.map(async (name) => {
        const visitor = name === "Ada" ? ada : new Visitor(app);
        if (name !== "Ada") await visitor.register(name);
        return visitor;
      }),
    );
    const turns = Array.from({ length: 40 }, (_, turn) => turn % (names.length + 1));
    const seen = await Promise.all(turns.map((who) => (people[who] ?? guest).who("/slow")));
    expect(seen).toEqual(turns.map((who) => names[who] ?? "-"));
  });
});

describe("a page for some", () => {
  it("sends guests to sign in, and remembers what they wanted", async () => {
    const response = await guest.fetch("/private?tab=2");
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("/login?redirect=/private?tab=2");
  });

  it("lets its people in", async () => {
    expect(await ada.who("/private")).toBe("authenticated:Ada:*");
    expect(await ada.who("/admin")).toBe("authenticated:Ada:*");
  });

  it("answers 403 to who lacks an ability", async () => {
    const limited = new Visitor(app);
    await limited.register("Lim");
    await limited.fetch("/api/auth/login", {
      json: { email: "lim@example.com", password: "a long enough password", abilities: ["orders:read"] },
    });
    const response = await limited.fetch("/admin");
    expect(response.status).toBe(403);
    expect(response.headers.get("cache-control")).toContain("no-store");
  });

  it("leads who is signed in away from a page for guests, to the page that was wanted", async () => {
    expect(await guest.who("/login")).toBe("guest:-:");
    expect((await ada.fetch("/login?redirect=/private?tab=2")).headers.get("location")).toBe(
      "/private?tab=2",
    );
  });

  it.each([
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "/%09/evil.example",
    "javascript:alert(1)",
    "evil",
  ])("but never to %s", async (wanted) => {
    const response = await ada.fetch(`/login?redirect=${wanted}`);
    expect(response.headers.get("location")).toBe("/");
  });
});

describe("caches", () => {
  it("are kept away from pages with a user", async () => {
    expect((await ada.fetch("/")).headers.get("cache-control")).toBe("private, no-store");
    expect((await guest.fetch("/")).headers.get("cache-control")).toBeNull();
  });

  it("also where the page itself invites them", async () => {
    const own = await ada.fetch("/shop");
    expect(own.headers.get("cache-control")).toBe("private, no-store");
    expect(own.headers.get("cdn-cache-control")).toBeNull();
    expect(await own.text()).toContain("authenticated:Ada:*");
  });

  it("may have a guest's page, which then does not pretend to know its reader", async () => {
    const response = await guest.fetch("/shop");
    expect(response.headers.get("cache-control")).toBe("public, s-maxage=600");
    expect(isHearsay(await response.text())).toBe(true);
    expect(isHearsay(await (await guest.fetch("/")).text())).toBe(false);
  });

  it("respect a page that is stricter", async () => {
    expect((await ada.fetch("/strict")).headers.get("cache-control")).toBe("private, max-age=5");
  });

  it.each(["/cached", "/announced", "/aged", "/about"])("get %s without anybody's name, whoever asks first", async (path) => {
    for (const visitor of [ada, guest, ada]) {
      const response = await visitor.fetch(path);
      const html = await response.text();
      expect(html).toContain("loading:-:");
      expect(html).not.toContain("Ada");
      expect(response.headers.getSetCookie()).toEqual([]);
    }
  });

  it("get no user of a page that the browser renders", async () => {
    expect(await (await ada.fetch("/spa")).text()).not.toContain("Ada");
  });
});

describe("the end", () => {
  it("writes down what is in memory, and the sessions are there after a restart", async () => {
    const first = await startApp();
    const eve = new Visitor(first);
    await eve.register("Eve");
    expect(await first.stop({ keep: true })).toBe(0);
    const second = await startApp({}, "embedded", first.folder);
    const again = new Visitor(second);
    for (const [name, value] of eve.cookies) again.cookies.set(name, value);
    expect(await again.who("/")).toBe("authenticated:Eve:*");
    await second.stop();
  });

  it("a start with bad variables says which", async () => {
    await expect(startApp({ NUXT_ADYTON_SERVER_PUBLIC_URL: "nonsense" })).rejects.toThrow(/public_?url/i);
  });
});

function isHearsay(html: string): boolean {
  const payload = JSON.parse(/id="__NUXT_DATA__">(.*?)<\/script>/s.exec(html)![1]!) as unknown[];
  const state = payload.find(
    (entry) => typeof entry === "object" && entry !== null && "$sadyton:hearsay" in entry,
  ) as Record<string, number>;
  return payload[state["$sadyton:hearsay"]!] === true;
}
