// The addon, or an error that says for which platform it is missing and what to do.

import { AdytonError } from "./errors.js";
import loader from "./native.cjs";

type Addon = typeof import("./native.generated.js");

let addon: Addon | undefined;

/** The addon. It is looked for when it is needed, so that types and keys are there without it. */
export function native(): Addon {
  return (addon ??= find());
}

function find(): Addon {
  const found = loader.load();
  if ("addon" in found) return found.addon;
  // One that is there and does not load says more than those that are not.
  const broken = (found.causes as NodeJS.ErrnoException[]).find(({ code }) => code !== "MODULE_NOT_FOUND");
  const name = platform();
  const what = broken
    ? `cannot load its binary for ${name} (${broken.message})`
    : `has no binary for ${name}`;
  const message =
    `@adyton/node ${what}. If your package manager skipped optional dependencies, install ` +
    `@adyton/node-${name}; otherwise build it from a checkout (npm install, with Rust), or run ` +
    '`adyton serve` and talk to it (mode: "server" in @adyton/nuxt)';
  throw new AdytonError("no_native_binary", message, { cause: new AggregateError(found.causes) });
}

/** Platform, architecture and, where there are several, libc. */
function platform(): string {
  const name = `${process.platform}-${process.arch}`;
  return process.platform === "linux" ? `${name}-${libc()}` : name;
}

function libc(): "gnu" | "musl" {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime ? "gnu" : "musl";
}
