// What the tabs of one app share: a lock, so that one of them refreshes, and a channel, on which they tell each other to
// look again. No secret goes over the channel: each tab reads the storage, or asks the server, itself.
//
// Outside of browsers there is neither: a server has one client a request, and a lock that all of them share would make
// one user wait for another.

/** `renewed`: a new pair for the same session. `changed`: somebody signed in or out, or is called differently now. */
export type News = "renewed" | "changed";

export interface Tabs {
  /** Runs one task at a time over all tabs; without Web Locks, over this client. */
  readonly exclusive: <T>(task: () => Promise<T>) => Promise<T>;
  readonly announce: (news: News) => void;
  readonly close: () => void;
}

export function inBrowser(): boolean {
  return typeof document !== "undefined";
}

export function openTabs(name: string, hear: (news: News) => void): Tabs {
  const channel = inBrowser() && typeof BroadcastChannel !== "undefined" ? new BroadcastChannel(name) : null;
  channel?.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (data === "renewed" || data === "changed") hear(data);
  });
  return { exclusive: exclusiveBy(name), announce: (news) => channel?.postMessage(news), close: () => channel?.close() };
}

function exclusiveBy(name: string): Tabs["exclusive"] {
  // Not on plain http, nor in a page without an origin of its own.
  const locks = inBrowser() && origin !== "null" ? (navigator.locks as LockManager | undefined) : undefined;
  return locks ? async (task) => locks.request(name, task) : queue();
}

function queue(): Tabs["exclusive"] {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const mine = last.then(task);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** Calls `wake` when the page is looked at again and when the network is back: timers do not run in a sleeping laptop. */
export function onWake(wake: () => void): () => void {
  if (!inBrowser()) return () => undefined;
  const visible = () => {
    if (document.visibilityState === "visible") wake();
  };
  document.addEventListener("visibilitychange", visible);
  globalThis.addEventListener("online", wake);
  return () => {
    document.removeEventListener("visibilitychange", visible);
    globalThis.removeEventListener("online", wake);
  };
}
