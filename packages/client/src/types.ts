// What the client takes and gives. The shapes of requests and answers come from openapi.json, by way of
// api.generated.ts; here they only get names.

import type { components } from "./api.generated.js";

type Schemas = components["schemas"];

/** The columns of the user table; an app adds those of `user_columns`. */
export type User = Schemas["UserObject"];
export type SignIn<U = User> = Omit<Schemas["SignInObject"], "user"> & { user: U };
export type SessionInfo = Schemas["SessionBody"];
export type TokenInfo = Schemas["TokenObject"];
/** A personal access token that was just made; `token` is shown this once. */
export type CreatedToken = Schemas["CreatedBody"];
export type Problem = Schemas["Problem"];
/** The stable names of what can go wrong. */
export type ErrorCode = Problem["code"];
export type RegisterInput = Schemas["RegisterInput"];
export type LoginInput = Schemas["LoginInput"];
export type UpdateUserInput = Schemas["UpdateInput"];
export type ChangePasswordInput = Schemas["PasswordInput"];
export type DeleteUserInput = Schemas["DeleteInput"];
export type CreateTokenInput = Schemas["TokenInput"];
/** What `GET /session` answers. */
export type CurrentSession<U = User> = Omit<Schemas["CurrentObject"], "user"> & { user: U | null };

export type Guard = SignIn["guard"];

/** Who is signed in, as far as this client knows. */
export interface SessionState<U = User> {
  /** `loading` until the first answer; nothing but an answer of the server makes a guest of anybody. */
  status: "loading" | "authenticated" | "guest";
  user: U | null;
  guard: Guard | null;
  abilities: string[];
  /** When the access token (token mode) or the session (cookie mode) ends. */
  expiresAt: string | null;
  /** The signed-in device; null for a personal access token. */
  session: SessionInfo | null;
  /** Why a guest is one, as a code of the server; null for who never signed in and who signed out. */
  reason: string | null;
}

/** What a client of tokens keeps between two pages. All of it is secret. */
export interface TokenSet {
  token: string;
  expiresAt: string;
  refreshToken: string;
  refreshExpiresAt: string;
  abilities: string[];
  sessionId: string;
  /** When to refresh, in milliseconds since 1970 by the clock of this machine, which may differ from the server's. */
  renewAt: number;
  /** Tells the server that it knows this device. */
  deviceSecret?: string;
}

/** Where tokens are kept. What `get` answers is not trusted: anything but a whole `TokenSet` is no token. */
export interface TokenStorage {
  get(): unknown;
  set(tokens: TokenSet | null): void | Promise<void>;
}

export interface ClientOptions<U = User> {
  /** Where the endpoints are: `/api/auth`, or an absolute URL on another origin. */
  baseUrl?: string;
  /** `cookie` (the default) for pages of the server's own site, `token` for everything else. */
  mode?: "cookie" | "token";
  /** Token mode: where tokens are kept; `memoryStorage()` by default, which forgets them at a reload. */
  storage?: TokenStorage;
  fetch?: typeof fetch;
  /** `token_header` of the server: `Authorization`. */
  tokenHeader?: string;
  /** `prefix` of the server: `Bearer`; empty for none. */
  prefix?: string;
  /** Of the lock and the channel that the tabs of an app share: `adyton`. Two apps on one origin need two names. */
  name?: string;
  /** What is known already, for example from the page that the server rendered; spares the first `restore()`. */
  initial?: SessionState<U>;
}

export interface Client<U = User> {
  readonly state: SessionState<U>;
  /** Calls `listener` at every change, until the function that it returns is called. */
  subscribe(listener: (state: SessionState<U>) => void): () => void;
  /** Asks the server who is signed in. When it cannot answer, the state stays as it was, and this rejects. */
  restore(): Promise<SessionState<U>>;
  /**
   * `fetch` for the app's own API. It adds what signs the request in, but never to a host other than the page's own and
   * that of `baseUrl`; it refreshes ahead, and once after a 401, and then sends the request again.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  register(input: RegisterInput): Promise<SignIn<U>>;
  login(input: LoginInput): Promise<SignIn<U>>;
  /** Ends this session; `everywhere`, all others before it. */
  logout(options?: { everywhere?: boolean }): Promise<void>;
  /** Token mode: the next pair, unless another tab has just got it. Cookie mode: the same as `restore`. */
  refresh(): Promise<SessionState<U>>;
  updateUser(input: UpdateUserInput): Promise<U>;
  changePassword(input: ChangePasswordInput): Promise<void>;
  deleteUser(input: DeleteUserInput): Promise<void>;
  sessions(): Promise<SessionInfo[]>;
  endSession(id: string): Promise<void>;
  endOtherSessions(): Promise<void>;
  tokens: {
    list(): Promise<TokenInfo[]>;
    create(input: CreateTokenInput): Promise<CreatedToken>;
    revoke(id: number): Promise<void>;
  };
  /** An access token that is good for a while yet; null in cookie mode and for guests. */
  token(): Promise<string | null>;
  /** Ends timers and listeners; nothing is signed out. */
  close(): void;
}
