// The development server and the database in its reach.
import { expect, it, vi } from "vitest";
import { refuseFile } from "../src/vite";

function served(url: string): boolean {
  const next = vi.fn();
  const end = vi.fn();
  refuseFile("adyton.sqlite3")({ url }, { writeHead: () => ({ end }) as never }, next);
  expect(next.mock.calls.length + end.mock.calls.length).toBe(1);
  return next.mock.calls.length === 1;
}

it.each([
  "/_nuxt/data/adyton.sqlite3", "/_nuxt/@fs/app/data/adyton.sqlite3-wal", "/_nuxt/@fs/app/data/adyton.sqlite3?raw",
  "/_nuxt/data/adyton%2esqlite3", "/_nuxt/data/%61dyton.sqlite%33?import", "/_nuxt/data/adyton%252esqlite3", "/_nuxt/data/ADYTON.SQLITE3",
])("does not give it away: %s", (url) => {
  expect(served(url)).toBe(false);
});

it.each(["/_nuxt/app.vue", "/_nuxt/%", "/", "/_nuxt/data/other.json"])("serves what else there is: %s", (url) => {
  expect(served(url)).toBe(true);
});
