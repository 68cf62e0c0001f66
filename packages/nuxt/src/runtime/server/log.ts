// Words for whoever runs the app. No secret passes here.

/* eslint-disable no-console -- there is no other log in Nitro */

export function log(text: string): void {
  console.info(`[adyton] ${text}`);
}

export function warn(text: string): void {
  console.warn(`[adyton] ${text}`);
}

/** How often an outage is told of: every request meets it. */
const PAUSE = 10_000;
let toldAt = -PAUSE;

/** Why somebody is answered 503, for whoever can do something about it. */
export function complain(detail: string, cause: unknown): void {
  if (performance.now() - toldAt < PAUSE) return;
  toldAt = performance.now();
  console.error(`[adyton] ${[detail, ...messages(cause)].join(": ")}`);
}

function messages(cause: unknown): string[] {
  return cause instanceof Error ? [cause.message, ...messages(cause.cause)] : [];
}
