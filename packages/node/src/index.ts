/** Authentication inside a Node process. */

export type {
  Api,
  AuthEvent,
  CreatedToken,
  EventFilter,
  Imported,
  NewToken,
  Pruned,
  TokenInfo,
} from "./api.js";
export { checkOptions, createAuth } from "./auth.js";
export type { Auth, MaybePromise } from "./auth.js";
export { AdytonError, AuthError, type Problem } from "./errors.js";
export type { LogRecord, Surroundings } from "./log.js";
export { nodeHandler } from "./node-http.js";
export { type AuthOptions, type Duration, optionKeys } from "./options.generated.js";
export { Principal, type SessionInfo, type User } from "./principal.js";
export type { RawRequest, RawResponse, RequestHead, RequestInfo } from "./request.js";
