// Takes the pictures of docs/images: `npm run pictures -w @adyton/nuxt`, after a run that kept its apps.

import { join } from "node:path";
import { app } from "./processes.mjs";
import { PHONE, launch, person } from "./world.mjs";

const images = join(import.meta.dirname, "../../../docs/images");
const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36";
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

const browser = await launch();
const server = await app("cookie");
const ada = await person(browser, server, { userAgent: MAC, viewport: { width: 820, height: 600 } });
await ada.register("Ada Lovelace", "ada@example.com");
const phone = await person(browser, server, { ...PHONE, userAgent: IPHONE, colorScheme: "dark", deviceScaleFactor: 2 });
await phone.open("/login");
await phone.signIn("ada@example.com", { access: "Account and reports" });
await phone.see("Welcome");
await phone.follow("Admin");
await phone.see("This page is not for you");
await phone.page.screenshot({ path: join(images, "nuxt-forbidden-phone-dark.png") });
await ada.open("/");
await ada.page.screenshot({ path: join(images, "nuxt-home.png") });
await ada.open("/devices");
await ada.page.screenshot({ path: join(images, "nuxt-devices.png"), fullPage: true });
await browser.close();
await server.close();
