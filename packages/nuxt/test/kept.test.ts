// Caches that keep one visitor's answer for the next.
import { expect, it } from "vitest";
import { refuseStreams } from "../src/nitro";
import { refuseBlindCache, tellsCaches } from "../src/runtime/server/kept";

it.each([{}, { cache: undefined }, { cache: { options: { _removeStaleOnInvalid: () => true } } }])("nothing is refused with %o", (context) => {
  expect(() => { refuseBlindCache({ context }); }).not.toThrow();
});

it.each([{ cache: {} }, { cache: { options: { maxAge: 60 } } }])("a handler that an old Nitro caches gets to know nobody: %o", (context) => {
  expect(() => { refuseBlindCache({ context }); }).toThrow(/2\.13\.6/);
});

it.each([
  "public", "public, max-age=60", "s-maxage=60", "max-age=600", "Max-Age=600, must-revalidate", 'max-age="600"', "max-age=600, no-cache",
  // Whoever names fields lets the rest be kept.
  'max-age=600, private="set-cookie"',
])("a shared cache may keep what says %s", (value) => {
  for (const name of ["Cache-Control", "cdn-cache-control", "Surrogate-Control"]) expect(tellsCaches({ [name]: value })).toBe(true);
});

it.each(["", "private", "private, max-age=600", "max-age=600, no-store", "no-cache", "max-age=0", "max-age=0, must-revalidate"])(
  "and none may keep what says %s",
  (value) => {
    expect(tellsCaches({ "cache-control": value })).toBe(false);
    expect(tellsCaches({ "x-note": "public, max-age=600" })).toBe(false);
  },
);

type Rules = Record<string, { headers?: object; streaming?: boolean }>;

const KEPT = { headers: { "cache-control": "max-age=600" } };

it.each<Rules>([
  { "/a": KEPT },
  { "/**": { streaming: true }, "/a": KEPT },
  { "/**": { streaming: false }, "/a": { ...KEPT, streaming: true } },
])("no page is both streamed and kept: %o", (rules) => {
  expect(() => { refuseStreams(rules, true); }).toThrow(/experimental\.ssrStreaming: routeRules\["\/a"\].*`streaming: false`/);
  expect(() => { refuseStreams(rules, false); }).not.toThrow();
});

it.each<Rules>([
  {},
  { "/a": { ...KEPT, streaming: false } },
  { "/**": { streaming: false }, "/a": KEPT },
  { "/**": { streaming: true }, "/a": { headers: { "cache-control": "private, max-age=600" } } },
])("and what is only one of both may stand: %o", (rules) => {
  expect(() => { refuseStreams(rules, true); }).not.toThrow();
});
