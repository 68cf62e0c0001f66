// Whether the options can stand, before anything is built with them.

import type { ConsolaInstance } from "consola";
import {
  checkKeys,
  checkRoutes,
  checkServerOptions,
  engineOptions,
  OptionError,
  type Options,
} from "./options";

/** Throws for the first option that cannot stand, and where there is no engine for this machine. */
export async function check(
  options: Options,
  isPreparing: boolean,
  log: Pick<ConsolaInstance, "warn">,
): Promise<void> {
  checkKeys(options);
  checkRoutes(options);
  const { checkOptions, optionKeys } = await import("@adyton/node").catch((cause: unknown) => {
    throw new Error("@adyton/nuxt: @adyton/node cannot be loaded; install it", { cause });
  });
  if (options.mode === "server") {
    checkServerOptions(options, optionKeys);
    return;
  }
  try {
    checkOptions(engineOptions(options));
  } catch (error) {
    const { code, key, message } = error as { code?: string; key?: string; message: string };
    if (code === "invalid_options") throw new OptionError(key ?? "?", message);
    if (code !== "no_native_binary") throw error;
    const cure = `${message}; install one, or run \`adyton serve\` and set mode: "server"`;
    if (!isPreparing) throw new Error(`@adyton/nuxt: ${cure}`, { cause: error });
    // Types can be made without it.
    log.warn(cure);
  }
}
