// What an app sees of this module in its types. `#adyton` leads here, so that an app can name the columns of
// its own:
//
//   declare module "#adyton" { interface AdytonUser { avatar: string | null } }
//
// in a file of its `shared` folder, which pages and server read alike.

import type { ApiError, NetworkError, SessionState, User } from "@adyton/client";

export type {
  ApiError,
  Client,
  CreatedToken,
  CreateTokenInput,
  LoginInput,
  NetworkError,
  RegisterInput,
  SessionInfo,
  SessionState,
  SignIn,
  TokenInfo,
  UpdateUserInput,
  User,
} from "@adyton/client";

/** The user of this app: the columns of `users`, and those of `userColumns` where an app declares them. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- apps add to it
export interface AdytonUser extends User {}

export type AuthError = ApiError | NetworkError;

export type State = SessionState<AdytonUser>;

/** Where people are sent. `false` for nowhere. */
export interface Redirects {
  /** Who must sign in goes here, with the wanted page as `?redirect=`: `/login`. */
  login: string | false;
  /**
   * Where a sign-in leads when no page was wanted, and where signed-in people go from pages for guests: `/`.
   */
  home: string | false;
  /** Where a sign-out leads: `/`. */
  logout: string | false;
}

/** What a page asks of its visitors. */
export interface PageRules {
  /** Abilities that are all needed. */
  abilities?: string | readonly string[];
  /** Only for those who are not signed in, as a sign-in page is. */
  guestOnly?: boolean;
  /** Where to send those who may not see it, instead of `redirects`; `false` answers 401 or 403. */
  redirectTo?: string | false;
}

/** What the browser knows of the options. No secret stands here. */
export interface PublicOptions {
  basePath: string;
  clientMode: "cookie" | "token";
  tokenHeader: string;
  prefix: string;
  redirects: Redirects;
  /** Whether every page needs a sign-in unless it says otherwise. */
  globalMiddleware: boolean;
}

/** How a page is meant by its `auth` in `definePageMeta`: for all, for guests, or for whom. */
export type PageAuth = boolean | "guest" | PageRules;
