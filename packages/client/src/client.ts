// The client: what an app calls, each method in a few lines over the endpoints. How requests are signed in and what a
// 401 means is in cookie.ts and token.ts.

import { cookieMode } from "./cookie.js";
import { answerOf, placesOf, unanswered } from "./http.js";
import type { Outgoing } from "./http.js";
import type { Call, Core, Kind } from "./mode.js";
import { guest, stateOf, Store } from "./state.js";
import { openTabs } from "./tabs.js";
import { tokenMode } from "./token.js";
import type { Client, ClientOptions, SessionInfo, SessionState, SignIn, TokenInfo, User } from "./types.js";

export function createClient<U extends User = User>(options: ClientOptions<U> = {}): Client<U> {
  const [baseUrl, judge] = placesOf(options.baseUrl ?? "/api/auth");
  const fetcher = options.fetch ?? fetch;
  const store = new Store(options.initial);
  const wake = () => quietly(mode.wake());
  const tabs = openTabs(options.name ?? "adyton", (news) => (news === "changed" ? askAnew() : wake()), wake);
  const core: Core<U> = { store, tabs, call, restore, askAnew, decide };
  const guard = options.mode === "token" ? "token" : "session";
  const mode = guard === "token" ? tokenMode(core, options) : cookieMode(core);
  let asking: { epoch: number; answer: Promise<SessionState<U>> } | null = null;
  wake();

  async function signedFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    const outgoing = judge(input, init);
    return outgoing ? sendSigned(outgoing, "app") : fetcher(input, init);
  }

  async function sendSigned(outgoing: Outgoing, kind: Kind): Promise<Response> {
    const { init } = outgoing;
    const used = await mode.sign(outgoing, kind);
    // A stream can be sent once only.
    if (used && init.body instanceof ReadableStream) init.body = await new Response(init.body).arrayBuffer();
    const response = await send(outgoing, kind);
    if (response.status !== 401 || kind === "nobody" || !(await mode.recover(response, used))) return response;
    await mode.sign(outgoing, kind, used);
    return send(outgoing, kind);
  }

  function send({ target, init, headers }: Outgoing, kind: Kind): Promise<Response> {
    const sending = fetcher(target instanceof Request ? target.clone() : target, { ...init, headers });
    // To the app it is to be the `fetch` that it knows.
    return kind === "app" ? sending : sending.catch(unanswered);
  }

  async function call(...[method, path, body, kind = "own", signal = null]: Parameters<Call>): Promise<unknown> {
    // An endpoint of ours never redirects.
    const init: RequestInit = { method, redirect: "error", signal };
    if (body) Object.assign(init, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const outgoing = judge(baseUrl + path, init)!;  
    return answerOf(await sendSigned(outgoing, kind));
  }

  function restore(): Promise<SessionState<U>> {
    const { epoch } = store;
    if (asking?.epoch !== epoch) asking = { epoch, answer: ask(epoch).finally(() => (asking = null)) };
    return asking.answer;
  }

  function askAnew(): void {
    store.epoch++;
    quietly(restore());
  }

  async function ask(epoch: number): Promise<SessionState<U>> {
    const state = stateOf(await mode.current());
    if (epoch === store.epoch) store.set(state);
    return store.state;
  }

  async function enter(path: string, input: object): Promise<SignIn<U>> {
    const body = { ...input, guard };
    const answer = (await call("POST", path, body, "nobody")) as SignIn<U>;
    await mode.keep(answer);
    const epoch = ++store.epoch;
    // Only /session tells all there is to know. The sign-in stands without it.
    const current = await mode.current().catch(() => null);
    if (epoch === store.epoch) decide(stateOf(current?.user ? current : answer));
    return answer;
  }

  function decide(state: SessionState<U>): void {
    store.epoch++;
    store.set(state);
    tabs.tell("changed");
  }

  const endOtherSessions = () => call("DELETE", "/sessions") as Promise<void>;

  return {
    get state() {
      return store.state;
    },
    subscribe: store.subscribe,
    restore,
    fetch: signedFetch,
    register: (input) => enter("/register", input),
    login: (input) => enter("/login", input),
    async logout({ everywhere = false } = {}) {
      if (everywhere) await endOtherSessions();
      await mode.leave();
      decide(guest());
    },
    refresh: () => mode.refresh().then(() => store.state),
    async updateUser(input) {
      const epoch = store.epoch;
      const user = (await call("PATCH", "/user", input)) as U;
      if (epoch === store.epoch) decide({ ...store.state, user });
      return user;
    },
    changePassword: (input) => call("PUT", "/user/password", input) as Promise<void>,
    async deleteUser(input) {
      await call("DELETE", "/user", input);
      await mode.keep(null);
      decide(guest());
    },
    sessions: async () => ((await call("GET", "/sessions")) as { sessions: SessionInfo[] }).sessions,
    endSession: (id) => call("DELETE", `/sessions/${encodeURIComponent(id)}`) as Promise<void>,
    endOtherSessions,
    tokens: {
      list: async () => ((await call("GET", "/tokens")) as { tokens: TokenInfo[] }).tokens,
      create: (input) => call("POST", "/tokens", input) as ReturnType<Client["tokens"]["create"]>,
      revoke: (id) => call("DELETE", `/tokens/${id}`) as Promise<void>,
    },
    token: mode.token,
    close: tabs.close,
  };
}

/** For what nobody waits for: a failure leaves things as they are, and the next occasion tries again. */
function quietly(work: Promise<unknown>): void {
  work.catch(() => undefined);
}
