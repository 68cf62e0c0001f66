// Caches that keep one visitor's answer for the next.
import { expect, it } from "vitest";
import { refuseBlindCache } from "../src/runtime/server/kept";

it.each([{}, { cache: undefined }, { cache: { options: { _removeStaleOnInvalid: () => true } } }])("nothing is refused with %o", (context) => {
  expect(() => { refuseBlindCache({ context }); }).not.toThrow();
});

it.each([{ cache: {} }, { cache: { options: { maxAge: 60 } } }])("a handler that an old Nitro caches gets to know nobody: %o", (context) => {
  expect(() => { refuseBlindCache({ context }); }).toThrow(/2\.13\.6/);
});
