// The world around a client: a server that keeps sessions and rotates tokens as Adyton does, with its grace, and browsers
// whose tabs share cookies, storage, a lock and a channel. Time is vitest's.

import { vi } from "vitest";
import { createClient } from "../src/index.js";
import type { Client, ClientOptions } from "../src/index.js";

const GRACE = 30_000;
export const ORIGIN = "https://app.test";
export const PERSON = { email: "ada@example.com", password: "a long phrase of mine" };

interface Session {
  id: string;
  token: string;
  refreshToken: string;
  previous: string | null;
  rotatedAt: number;
  endsAt: number;
  over: string | null;
}

export interface Seen {
  method: string;
  url: string;
  path: string;
  headers: Headers;
  body: string;
  init: RequestInit;
}

export class Server {
  /** In seconds. */
  life = 3600;
  name = "Ada";
  readonly sessions: Session[] = [];
  readonly seen: Seen[] = [];
  /** Answers instead of the server, while it answers at all. */
  instead: ((seen: Seen) => Response | Promise<Response> | undefined) | null = null;
  #count = 0;

  /** Requests to a path, like `POST /refresh`. */
  asked(what: string): Seen[] {
    return this.seen.filter(({ method, path }) => `${method} ${path}` === what);
  }

  end(reason: string): void {
    for (const session of this.sessions) session.over ??= reason;
  }

  readonly fetch = async (jar: Jar, input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : String(input), ORIGIN);
    const full = new Request(input instanceof Request ? input : url, init);
    const path = url.pathname.replace("/api/auth", "");
    const seen = { method: full.method, url: url.href, path, headers: full.headers, body: await full.text(), init };
    this.seen.push(seen);
    init.signal?.throwIfAborted();
    const cookie = url.origin === ORIGIN || init.credentials === "include" ? jar : {};
    return (await this.instead?.(seen)) ?? this.#answer(seen, cookie);
  };

  #answer({ method, path, headers, body }: Seen, jar: Jar): Response {
    const input = (body.startsWith("{") ? JSON.parse(body) : {}) as Record<string, string>;
    const token = /^Bearer (.*)$/.exec(headers.get("authorization") ?? "")?.[1] ?? headers.get("x-token");
    const session = this.sessions.find((one) => (token ? one.token === token : one.id === jar.session));
    const code = this.#trouble(session, token ?? jar.session);
    const here = session && !code ? session : null;
    switch (`${method} ${path}`) {
      case "POST /login":
      case "POST /register":
        if (input.password !== PERSON.password) return problem(401, "invalid_credentials");
        return this.#signIn(input, jar, headers);
      case "POST /refresh":
        return this.#refresh(input.refreshToken ?? "");
      case "POST /logout": {
        const own = this.sessions.find((one) => one.id === jar.session || one.refreshToken === input.refreshToken);
        if (own) own.over = "session_revoked";
        delete jar.session;
        return new Response(null, { status: 204 });
      }
      case "GET /session":
        if (!here) return json(code === "unauthenticated" ? { user: null } : { user: null, reason: code });
        return json({
          user: this.#user(),
          guard: token ? "token" : "session",
          abilities: ["*"],
          expiresAt: iso(token ? here.endsAt : Date.now() + 7_200_000),
          session: { id: here.id, current: true },
        });
    }
    if (!here) return problem(401, code ?? "token_invalid");
    if (method === "GET" && path === "/sessions") return json({ sessions: [{ id: here.id, current: true }] });
    if (method === "GET" && path === "/tokens") return json({ tokens: [] });
    if (method === "POST" && path === "/tokens") return json({ token: "adt_new", accessToken: { id: 7 } }, 201);
    if (method === "PATCH" && path === "/user") return json({ ...this.#user(), name: (this.name = input.name ?? "") });
    if (method === "DELETE" && path === "/user") this.end("token_invalid");
    if (path.startsWith("/api/")) return json({ path, body });
    return new Response(null, { status: 204 });
  }

  #user() {
    return { id: 1, name: this.name, email: PERSON.email, created_at: null, updated_at: null };
  }

  #trouble(session: Session | undefined, presented: string | null | undefined): string | null {
    if (!presented) return "unauthenticated";
    if (!session) return "token_invalid";
    if (session.over) return session.over;
    return session.token === presented && Date.now() >= session.endsAt ? "token_expired" : null;
  }

  #signIn({ guard }: Record<string, string>, jar: Jar, headers: Headers): Response {
    const count = ++this.#count;
    const session: Session = {
      id: `session${count}`,
      token: `adt_${count}`,
      refreshToken: `adr_${count}`,
      previous: null,
      rotatedAt: 0,
      endsAt: Date.now() + this.life * 1000,
      over: null,
    };
    this.sessions.push(session);
    if (guard !== "session") return this.#pair(session, headers.has("x-device-id") ? {} : { deviceSecret: "add_1" });
    jar.session = session.id;
    return json({ user: this.#user(), guard, sessionId: session.id, newDevice: true });
  }

  #refresh(presented: string): Response {
    const session = this.sessions.find((one) => one.refreshToken === presented || one.previous === presented);
    if (!session) return problem(401, "token_invalid");
    if (session.over) return problem(401, session.over);
    if (session.previous === presented) {
      if (Date.now() < session.rotatedAt + GRACE) return this.#pair(session);
      session.over = "session_revoked";
      return problem(401, "refresh_token_reused");
    }
    const count = ++this.#count;
    Object.assign(session, { previous: presented, rotatedAt: Date.now(), endsAt: Date.now() + this.life * 1000 });
    Object.assign(session, { token: `adt_${count}`, refreshToken: `adr_${count}` });
    return this.#pair(session);
  }

  #pair(session: Session, more: object = {}): Response {
    const { token, refreshToken, endsAt, id } = session;
    const expiresIn = Math.round((endsAt - Date.now()) / 1000);
    const times = { expiresAt: iso(endsAt), expiresIn, refreshExpiresAt: iso(Date.now() + 2_592_000_000) };
    const secrets = { token, refreshToken, tokenType: "Bearer", abilities: ["*"], ...times, ...more };
    return json({ user: this.#user(), guard: "token", sessionId: id, newDevice: false, ...secrets });
  }
}

export interface Jar {
  session?: string;
}

/** A browser: what its tabs share. `locks: false` is one without Web Locks. */
export class Browser {
  readonly jar: Jar = {};
  readonly stored = new Map<string, string>();
  readonly #channels = new Set<FakeChannel>();
  readonly #clients: Client[] = [];
  readonly #document = Object.assign(new EventTarget(), { hidden: false, baseURI: `${ORIGIN}/page`, cookie: "" });
  /** Most recent message first to last, as text. */
  readonly messages: string[] = [];

  constructor(
    readonly server: Server,
    { locks = true, origin = ORIGIN } = {},
  ) {
    const [channels, messages, window] = [this.#channels, this.messages, new EventTarget()];
    class Channel extends FakeChannel {
      constructor(name: string) {
        super(name, channels, messages);
      }
    }
    vi.stubGlobal("document", this.#document);
    vi.stubGlobal("location", new URL(`${origin}/page`));
    vi.stubGlobal("origin", origin);
    vi.stubGlobal("navigator", locks ? { locks: fakeLocks() } : {});
    vi.stubGlobal("BroadcastChannel", Channel);
    vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => this.stored.get(key) ?? null,
      setItem: (key: string, value: string) => void this.stored.set(key, value),
    });
    this.#window = window;
  }

  readonly #window: EventTarget;

  tab(options: ClientOptions = {}): Client {
    const fetch = (input: RequestInfo | URL, init?: RequestInit) => this.server.fetch(this.jar, input, init);
    const client = createClient({ fetch, ...options });
    this.#clients.push(client);
    return client;
  }

  set cookie(value: string) {
    this.#document.cookie = value;
  }

  get cookie(): string {
    return this.#document.cookie;
  }

  hide(hidden: boolean): void {
    this.#document.hidden = hidden;
    this.#document.dispatchEvent(new Event("visibilitychange"));
  }

  online(): void {
    this.#window.dispatchEvent(new Event("online"));
  }

  get openChannels(): number {
    return this.#channels.size;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

class FakeChannel {
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor(
    readonly name: string,
    readonly all: Set<FakeChannel>,
    readonly messages: string[],
  ) {
    all.add(this);
  }

  postMessage(data: unknown): void {
    if (!this.all.has(this)) throw new Error("InvalidStateError");
    this.messages.push(JSON.stringify(data));
    for (const other of this.all) {
      if (other !== this && other.name === this.name) queueMicrotask(() => other.onmessage?.({ data }));
    }
  }

  close(): void {
    this.all.delete(this);
  }
}

function fakeLocks() {
  const tails = new Map<string, Promise<unknown>>();
  return {
    request(name: string, task: () => Promise<unknown>) {
      const mine = (tails.get(name) ?? Promise.resolve()).then(task);
      tails.set(name, mine.catch(() => undefined));
      return mine;
    },
  };
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = { type: "about:blank", title: "", status, detail: code, message: code, code };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

export function offline(): Response {
  throw new TypeError("fetch failed");
}

/** A door that an answer waits behind. */
export function gate(): { open: () => void; passed: Promise<void> } {
  let open = () => undefined as void;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}
