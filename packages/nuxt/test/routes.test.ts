// The guard reads routes by itself; these cases hold it to the reading of the engine, which passes them too.
import { describe, expect, it } from "vitest";
import cases from "../../../crates/adyton-core/tests/routes.json" with { type: "json" };
import { matches, parseRoute, requestPath } from "../src/runtime/server/routes";

function isExempt(pattern: string, method: string, uri: string): boolean {
  const path = requestPath(uri);
  return path !== null && matches(parseRoute(pattern), method, path);
}

describe("a route that needs no credential", () => {
  it.each(cases.matches)("%s lets %s %s pass", (pattern, method, uri) => {
    expect(isExempt(pattern, method, uri)).toBe(true);
  });

  it.each(cases.misses)("%s does not let %s %s pass", (pattern, method, uri) => {
    expect(isExempt(pattern, method, uri)).toBe(false);
  });

  it.each(cases.doubtful)("is not reached by %j, however wide it is", (uri) => {
    expect(isExempt("*:/[...all]", "GET", uri)).toBe(false);
  });

  it.each(cases.refused)("is not written as %j: the %s is wrong", (text, kind) => {
    const words = {
      method: "begin with a method",
      path: "write a plain path",
      placeholder: "a placeholder is",
    };
    expect(() => parseRoute(text)).toThrow(words[kind as keyof typeof words]);
  });
});
