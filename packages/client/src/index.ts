// @adyton/client: who is signed in, and requests that are signed in. No framework, no dependency.

export { createClient } from "./client.js";
export { ApiError, NetworkError } from "./errors.js";
export { cookieStorage, localStorageStorage, memoryStorage } from "./storage.js";
export type { CookieAttributes, CookieStorageOptions } from "./storage.js";
export type * from "./types.js";
