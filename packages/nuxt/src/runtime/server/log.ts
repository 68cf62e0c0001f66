// Words for whoever runs the app. No secret passes here.

/* eslint-disable no-console -- there is no other log in Nitro */

export function log(text: string): void {
  console.info(`[adyton] ${text}`);
}

export function warn(text: string): void {
  console.warn(`[adyton] ${text}`);
}
