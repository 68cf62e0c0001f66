// Who is calling, and what is known of users and sessions.

/** A user: the columns of its table by their own names. */
export interface User {
  id: number;
  name: string;
  email: string;
  created_at: string | null;
  updated_at: string | null;
  /** The columns named in `userColumns`. */
  [column: string]: unknown;
}

/** A session as its user sees it. */
export interface SessionInfo {
  id: string;
  deviceName: string | null;
  userAgent: string | null;
  /** The client's network: its address cut to /24 or /48. */
  ipAddress: string | null;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  /** Whether it is the one that asks. */
  current: boolean;
}

/**
 * Who is calling, by which credential, and what that may do. Requests share it, so that it is frozen with all that
 * is in it.
 */
export class Principal<U = User> {
  readonly user: Readonly<U>;
  /** What was presented: a token, or the cookie of a session. */
  readonly guard: "token" | "session";
  readonly abilities: readonly string[];
  /** The first moment at which the credential is refused; null for never. */
  readonly expiresAt: string | null;
  /** The id of the personal access token that was presented, if it is one. */
  readonly tokenId: number | null;
  /** Its JSON, until somebody asks: few do. */
  #session: Readonly<SessionInfo> | null | string;

  /** @internal Two lines of JSON: all of it but the session, and the session. */
  constructor(lines: string) {
    const end = lines.indexOf("\n");
    const { user, guard, abilities, expiresAt, tokenId } = frozen(lines.slice(0, end)) as Principal<U>;
    this.user = user;
    this.guard = guard;
    this.abilities = abilities;
    this.expiresAt = expiresAt;
    this.tokenId = tokenId;
    this.#session = lines.slice(end + 1);
    Object.freeze(this);
  }

  /** The session of the cookie, or that which the token was issued for; null for a personal token. */
  get session(): Readonly<SessionInfo> | null {
    if (typeof this.#session === "string") this.#session = frozen(this.#session) as SessionInfo | null;
    return this.#session;
  }

  /** Whether the credential may do this. */
  can(ability: string): boolean {
    return this.abilities.includes("*") || this.abilities.includes(ability);
  }

  /** With the session, which is no property of its own. */
  toJSON(): object {
    return Object.assign({}, this, { session: this.session });
  }
}

function frozen(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown) => Object.freeze(value));
}
