// What the first HTML knows, what it must not know, and what a reload costs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app } from "./processes.mjs";
import { launch, person } from "./world.mjs";

let browser, server;
before(async () => {
  browser = await launch();
  server = await app("cookie");
});
after(async () => {
  await browser?.close();
  await server?.close();
});

async function signedUp(name, options) {
  const somebody = await person(browser, server, options);
  await somebody.register(name, somebody.email);
  return somebody;
}

test("a reload and a new tab stay signed in, with no request and no flash", async () => {
  const ada = await signedUp("Ada Lovelace");
  ada.asked();
  await ada.open("/profile");
  await ada.page.reload();
  await ada.hydrated();
  await ada.page.waitForTimeout(500);
  assert.deepEqual(await ada.header(), ["Ada LovelaceSign out"]);
  const tab = await ada.tab();
  await tab.open("/");
  assert.deepEqual(await tab.header(), ["Ada LovelaceSign out"]);
  assert.deepEqual(ada.asked(), []);
  await ada.close();
});

test("the first HTML carries the name, without any script", async () => {
  const ada = await signedUp("Ada Lovelace");
  const answer = await ada.html("/");
  assert.match(await answer.text(), /Welcome, Ada Lovelace/);
  assert.doesNotMatch(answer.headers.get("cache-control") ?? "", /public/);
  const scriptless = await person(browser, server, { javaScriptEnabled: false, storageState: await ada.context.storageState() });
  await scriptless.page.goto("/orders");
  await scriptless.see("Your orders");
  assert.equal(await scriptless.page.locator(".who").textContent(), "Ada Lovelace");
  await scriptless.close();
  await ada.close();
});

test("a guest's page asks nothing of the sign-in endpoints", async () => {
  const guest = await person(browser, server);
  await guest.open("/");
  await guest.page.waitForTimeout(500);
  await guest.page.reload();
  await guest.hydrated();
  await guest.page.waitForTimeout(500);
  assert.deepEqual(guest.asked(), []);
  await guest.close();
});

test("no secret is in the HTML, nor where a script could read it", async () => {
  const ada = await signedUp("Ada Lovelace");
  const html = await (await ada.html("/profile")).text();
  assert.doesNotMatch(html, /ad[trsd]_[0-9A-Za-z]/);
  const readable = await ada.page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  assert.doesNotMatch(readable, /ad[trsd]_[0-9A-Za-z]/);
  const cookies = await ada.context.cookies();
  assert.ok(cookies.some(({ name, httpOnly }) => name === "adyton_session" && httpOnly), JSON.stringify(cookies));
  await ada.close();
});

test("with tokens, too, the first HTML knows the name and no secret, and the pages after it are signed", async () => {
  const tokens = await app("token");
  const ada = await person(browser, tokens);
  await ada.register("Ada Lovelace", ada.email);
  const html = await (await ada.html("/orders")).text();
  assert.match(html, /Ada Lovelace[^]*Your orders/);
  assert.doesNotMatch(html, /ad[trsd]_[0-9A-Za-z]/);
  await ada.open("/");
  ada.asked();
  await ada.follow("Orders");
  await ada.see("None yet.");
  await ada.page.waitForTimeout(6000);
  await ada.follow("Reports");
  await ada.see("Customers");
  assert.deepEqual(ada.answers.filter(({ status }) => status >= 400), []);
  await ada.close();
  await tokens.close();
});

for (const path of ["/prices", "/news"]) {
  test(`${path}, cached for everybody, carries nobody`, async () => {
    const [ada, bob, guest] = [await signedUp("Ada Lovelace"), await signedUp("Bob Babbage"), await person(browser, server)];
    for (const reader of [ada, bob, guest]) {
      const answer = await reader.html(path);
      const html = await answer.text();
      const shared = /public|s-maxage/.test(answer.headers.get("cache-control") ?? "");
      const named = /Ada|Bob|@example\.com/.test(html);
      assert.ok(!(shared && named), `${answer.headers.get("cache-control")}: a shared page names somebody`);
      if (shared) assert.equal(answer.headers.get("set-cookie"), null);
      if (path === "/prices") assert.ok(!named, "a page of the cache names somebody");
    }
    // Once the page is alive, each sees their own name, and never a guest's frame.
    await ada.open(path);
    await ada.see("Sign out");
    assert.ok(!(await ada.header()).includes("Sign in"), JSON.stringify(await ada.header()));
    for (const reader of [ada, bob, guest]) await reader.close();
  });
}

test("fifty pages rendered at once never mix two people", async () => {
  const [ada, bob] = [await signedUp("Ada Lovelace"), await signedUp("Bob Babbage")];
  const asked = Array.from({ length: 50 }, (_, turn) => (turn % 2 ? bob : ada));
  const pages = await Promise.all(asked.map(async (reader, turn) => (await reader.html(turn % 3 ? "/" : "/admin")).text()));
  pages.forEach((html, turn) => {
    const [own, foreign] = turn % 2 ? ["Bob Babbage", "Ada Lovelace"] : ["Ada Lovelace", "Bob Babbage"];
    assert.ok(html.includes(own) && !html.includes(foreign), `page ${turn}`);
  });
  await ada.close();
  await bob.close();
});
