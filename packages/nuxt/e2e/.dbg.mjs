import { app } from "./processes.mjs"; import { launch, person } from "./world.mjs"; 
const browser = await launch(); const server = await app("cookie");
try {
const ada = await person(browser, server); await ada.register("Ada", ada.email); 
const phone = await person(browser, server); await phone.open("/login"); await phone.signIn(ada.email); await phone.see("Welcome");
await ada.open("/devices"); await ada.page.getByRole("listitem").getByRole("button", { name: /^Sign out/ }).click(); await ada.see("The device is signed out."); phone.answers.length = 0;
await phone.follow("Orders"); await phone.page.waitForTimeout(1500); console.log(phone.answers, phone.page.url(), await phone.page.locator("main").innerText());
console.log(await phone.page.evaluate(async () => { const r = await fetch("/api/orders"); return [r.status, await r.text()] }));
console.log(await phone.page.evaluate(async () => { try { return await $fetch("/api/orders") } catch (e) { return String(e) } })); await phone.page.waitForTimeout(500);
console.log(phone.answers, phone.page.url());
console.log(await phone.page.evaluate(() => useNuxtApp().$adyton.state));
} catch (e) { console.log(e) }
await browser.close(); await server.close(); process.exit();
