// The client: what an app calls, each method in a few lines over the endpoints. How requests are signed in and what a
// 401 means is in cookie.ts and token.ts.

import { cookieMode } from "./cookie.js";
import { answerOf, buffered, placesOf, send } from "./http.js";
import type { Outgoing } from "./http.js";
import type { Core, Mode } from "./mode.js";
import { guest, stateOf, stateOfSignIn, Store } from "./state.js";
import { inBrowser, onWake, openTabs } from "./tabs.js";
import { tokenMode } from "./token.js";
import type { Client, ClientOptions, SessionInfo, SessionState, SignIn, TokenInfo, User } from "./types.js";

export function createClient<U extends User = User>(options: ClientOptions<U> = {}): Client<U> {
  const places = placesOf(options.baseUrl ?? "/api/auth");
  const fetcher: typeof fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
  const store = new Store(options.initial);
  const tabs = openTabs(options.name ?? "adyton", (news) => quietly(mode.hear(news)));
  const core: Core<U> = { store, tabs, call, callAnonymously, restore };
  const mode: Mode<U> = options.mode === "token" ? tokenMode(core, options) : cookieMode(core);
  const stopWaking = onWake(() => quietly(mode.wake()));
  if (options.initial && inBrowser()) quietly(mode.wake());
  let asking: { epoch: number; answer: Promise<SessionState<U>> } | null = null;

  async function signedFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    const outgoing = places.outgoing(input, init);
    return outgoing ? sendSigned(outgoing) : fetcher(input, init);
  }

  async function sendSigned(outgoing: Outgoing): Promise<Response> {
    const used = await mode.sign(outgoing, null);
    if (used !== null) await buffered(outgoing);
    const response = await send(fetcher, outgoing);
    if (response.status !== 401 || !(await mode.recover(response, used))) return response;
    await mode.sign(outgoing, used);
    return send(fetcher, outgoing);
  }

  function call(method: string, path: string, body?: unknown): Promise<unknown> {
    return answerOf(endpoint(method, path, body).then(sendSigned));
  }

  function callAnonymously(method: string, path: string, body?: unknown): Promise<unknown> {
    return answerOf(endpoint(method, path, body).then((outgoing) => send(fetcher, outgoing)));
  }

  /** A request to an endpoint of ours; those never redirect. */
  async function endpoint(method: string, path: string, body: unknown): Promise<Outgoing> {
    const init: RequestInit = { method, headers: { accept: "application/json" }, redirect: "error" };
    const outgoing = places.endpoint(path, init);
    if (body !== undefined) {
      outgoing.init.body = JSON.stringify(body);
      outgoing.headers.set("content-type", "application/json");
    }
    await mode.introduce(outgoing);
    return outgoing;
  }

  function restore(): Promise<SessionState<U>> {
    if (asking?.epoch !== store.epoch) {
      const mine = { epoch: store.epoch, answer: ask(store.epoch).finally(() => asking === mine && (asking = null)) };
      asking = mine;
    }
    return asking.answer;
  }

  async function ask(epoch: number): Promise<SessionState<U>> {
    const current = await mode.current();
    if (epoch === store.epoch) store.set(stateOf(current));
    return store.state;
  }

  async function enter(path: string, input: object): Promise<SignIn<U>> {
    const answer = (await callAnonymously("POST", path, { ...input, guard: mode.guard })) as SignIn<U>;
    await mode.enter(answer);
    const epoch = ++store.epoch;
    // Only /session tells all there is to know. The sign-in stands without it.
    const current = await mode.current().catch(() => null);
    if (epoch === store.epoch) store.decide(current?.user ? stateOf(current) : stateOfSignIn(answer));
    tabs.announce("changed");
    return answer;
  }

  function left(): void {
    store.decide(guest(null));
    tabs.announce("changed");
  }

  const endOtherSessions = () => call("DELETE", "/sessions") as Promise<void>;

  return {
    get state() {
      return store.state;
    },
    subscribe: (listener) => store.subscribe(listener),
    restore,
    fetch: signedFetch,
    register: (input) => enter("/register", input),
    login: (input) => enter("/login", input),
    async logout({ everywhere = false } = {}) {
      if (everywhere) await endOtherSessions();
      await mode.leave();
      left();
    },
    async refresh() {
      await mode.refresh();
      return store.state;
    },
    async updateUser(input) {
      const epoch = store.epoch;
      const user = (await call("PATCH", "/user", input)) as U;
      if (epoch === store.epoch) store.decide({ ...store.state, user });
      tabs.announce("changed");
      return user;
    },
    changePassword: (input) => call("PUT", "/user/password", input) as Promise<void>,
    async deleteUser(input) {
      await call("DELETE", "/user", input);
      await mode.forget();
      left();
    },
    sessions: async () => ((await call("GET", "/sessions")) as { sessions: SessionInfo[] }).sessions,
    endSession: (id) => call("DELETE", `/sessions/${encodeURIComponent(id)}`) as Promise<void>,
    endOtherSessions,
    tokens: {
      list: async () => ((await call("GET", "/tokens")) as { tokens: TokenInfo[] }).tokens,
      create: (input) => call("POST", "/tokens", input) as ReturnType<Client["tokens"]["create"]>,
      revoke: (id) => call("DELETE", `/tokens/${id}`) as Promise<void>,
    },
    token: () => mode.token(),
    close() {
      stopWaking();
      mode.close();
      tabs.close();
    },
  };
}

/** For what nobody waits for: a failure leaves things as they are, and the next occasion tries again. */
function quietly(work: Promise<unknown>): void {
  work.catch(() => undefined);
}
