// The engine's use cases for the host app itself: no request, no limit, no ability is asked for.

import type { Duration } from "./options.generated.js";
import type { SessionInfo, User } from "./principal.js";

/** A personal access token as its owner sees it. */
export interface TokenInfo {
  id: number;
  name: string;
  abilities: string[];
  /** To the minute. */
  lastUsedAt: string | null;
  /** The first moment at which it is refused; null for never. */
  expiresAt: string | null;
  createdAt: string | null;
  current: boolean;
}

/** A personal access token that was just made. */
export interface CreatedToken {
  /** The plain text, which is known this once. */
  token: string;
  accessToken: TokenInfo;
}

export interface NewToken {
  name: string;
  /** What it may do; `tokenAbilities` when absent. */
  abilities?: string[];
  /** How long it lives; null for ever, `personalTokenExpiration` when absent. Not beside `expiresAt`. */
  expiresIn?: Duration | null;
  /** When it expires; null for never. */
  expiresAt?: Date | string | null;
}

/** Something that happened; refusals of a minute are one event with a count. */
export interface AuthEvent {
  /** Its kind in OWASP's vocabulary: `authn_login_success`, … */
  event: string;
  outcome: "success" | "failure";
  count: number;
  userId: number | null;
  sessionId: string | null;
  tokenId: number | null;
  network: string | null;
  requestId: string | null;
  reason: string | null;
  createdAt: string;
}

export interface EventFilter {
  userId?: number;
  event?: string;
  since?: Date | string;
  /** 100 when absent. */
  limit?: number;
}

/** How many rows of each kind were removed. */
export interface Pruned {
  tokens: number;
  sessions: number;
  superseded: number;
  devices: number;
  events: number;
}

/** What an import of plain-text tokens has done. */
export interface Imported {
  imported: number;
  /** Users whose value has not the form of a token; it stands as it stood. */
  malformed: number[];
  /** Users whose value was a token already; it was erased. */
  duplicates: number[];
}

/**
 * Use cases for the host app itself. A call that is refused rejects with an `AuthError`, whose status and
 * code are those of HTTP; an argument of the wrong type, such as an id that is no safe integer, with a
 * `TypeError`.
 */
export interface Api<U = User> {
  createUser(user: { name: string; email: string; password: string }): Promise<U>;
  /** Null when there is none. */
  findUser(userId: number): Promise<U | null>;
  findUserByEmail(email: string): Promise<U | null>;
  /** Users in the order of their ids, from the first above `after`; 100 unless `limit` says otherwise. */
  listUsers(page?: { after?: number; limit?: number }): Promise<U[]>;
  /** Ends every session of the user, and with `revokeTokens` their personal tokens. */
  setPassword(userId: number, password: string, options?: { revokeTokens?: boolean }): Promise<void>;
  /** Deletes a user with everything that they own. */
  deleteUser(userId: number): Promise<void>;
  createToken(userId: number, token: NewToken): Promise<CreatedToken>;
  listTokens(userId: number): Promise<TokenInfo[]>;
  revokeToken(userId: number, tokenId: number): Promise<void>;
  /** The live ones, latest sign-in first. */
  listSessions(userId: number): Promise<SessionInfo[]>;
  endSession(userId: number, sessionId: string): Promise<void>;
  /** Says how many it were. */
  endAllSessions(userId: number): Promise<number>;
  /** Latest first. */
  listEvents(filter?: EventFilter): Promise<AuthEvent[]>;
  /** Removes what expired more than so many hours ago, 24 when absent; it happens hourly anyway. */
  prune(hours?: number): Promise<Pruned>;
  /** Hashes the tokens that stand as plain text in `tokenField` of `authTable`, and erases them there. */
  importPlaintextTokens(): Promise<Imported>;
}

/** Names each call and its arguments as the engine does. What is said by name cannot be said otherwise in an object. */
export function api<U>(call: <T>(name: string, input: object) => Promise<T>): Api<U> {
  return {
    createUser: (user) => call("createUser", user),
    findUser: (userId) => call("findUser", { userId }),
    findUserByEmail: (email) => call("findUserByEmail", { email }),
    listUsers: (page = {}) => call("listUsers", page),
    setPassword: (userId, password, options = {}) => call("setPassword", { ...options, userId, password }),
    deleteUser: (userId) => call("deleteUser", { userId }),
    createToken: (userId, token) => call("createToken", { ...token, userId }),
    listTokens: (userId) => call("listTokens", { userId }),
    revokeToken: (userId, tokenId) => call("revokeToken", { userId, tokenId }),
    listSessions: (userId) => call("listSessions", { userId }),
    endSession: (userId, sessionId) => call("endSession", { userId, sessionId }),
    endAllSessions: (userId) => call("endAllSessions", { userId }),
    listEvents: (filter = {}) => call("listEvents", filter),
    prune: (hours) => call("prune", { hours }),
    importPlaintextTokens: () => call("importPlaintextTokens", {}),
  };
}
