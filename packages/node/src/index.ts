/** Authentication inside a Node process. */

export { type Auth, type AuthOptions, checkOptions, createAuth, type MaybePromise } from "./auth.js";
export { AdytonError, AuthError, type Problem } from "./errors.js";
export { Principal, type SessionInfo, type User } from "./principal.js";
export type { RawRequest, RawResponse, RequestHead } from "./request.js";
