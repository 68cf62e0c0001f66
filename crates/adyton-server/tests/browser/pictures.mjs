// Takes the pictures of docs/images: `ADYTON_BINARY=… npm run pictures`.

import { join } from "node:path";
import { launch, person, serve } from "./world.mjs";

const images = join(import.meta.dirname, "../../../../docs/images");
const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36";
const PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
const email = "ada@example.com";
const password = "correct horse battery";

const browser = await launch();
const server = await serve();
const wide = { width: 820, height: 620 };
const ada = await person(browser, server, { userAgent: MAC, viewport: wide });
await ada.page.goto("/account/login");
await ada.page.locator("body").click();
await ada.register("Ada Lovelace", email);
await fetch(`${server.url}/api/auth/login`, {
  method: "POST",
  headers: { "content-type": "application/json", "user-agent": "curl/8.14.1" },
  body: JSON.stringify({ email, password, deviceName: "Backup on the server" }),
});
const phone = await person(browser, server, {
  userAgent: PHONE, colorScheme: "dark", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2,
});
await phone.signIn(email);
for (const [name, abilities, life] of [["Backup script", "orders:read", "365 days"], ["Deploy", "releases:write", "30 days"]]) {
  await phone.page.goto("/account/tokens");
  await phone.fill("Name", name);
  await phone.fill("Abilities", abilities);
  await phone.page.getByLabel("Expires after").selectOption({ label: life });
  await phone.press("Create token");
}
await phone.page.goto("/account/tokens");
await phone.page.screenshot({ path: join(images, "tokens-phone-dark.png") });
await ada.page.goto("/account");
await ada.page.screenshot({ path: join(images, "account.png"), fullPage: true });
const guest = await person(browser, server, { viewport: wide });
await guest.page.goto("/account/login");
await guest.page.screenshot({ path: join(images, "sign-in.png") });
await browser.close();
await server.stop();
