// What the tabs of one app share: a lock, so that one of them refreshes, and a channel, on which they tell each other to
// look again. No secret goes over the channel: each tab reads the storage, or asks the server, itself.
//
// Outside of browsers there is neither: a server has one client a request, and a lock that all of them share would make
// one user wait for another.

/** `renewed`: a new pair for the same session. `changed`: somebody signed in or out, or is called differently now. */
export type News = "renewed" | "changed";

export interface Tabs {
  /** Runs one task at a time over all tabs; without Web Locks, over this client. */
  readonly alone: <T>(task: () => Promise<T>) => Promise<T>;
  readonly tell: (news: News) => void;
  /** Ends everything that this client listens to. */
  readonly signal: AbortSignal;
  close(this: void): void;
}

export function inBrowser(): boolean {
  return typeof document !== "undefined";
}

/** Whether nobody looks at the page; there is none on a server. */
export function isHidden(): boolean {
  return !inBrowser() || document.hidden;
}

/** `wake` is called when the page is looked at again or online again: timers do not run in a sleeping laptop. */
export function openTabs(name: string, hear: (news: News) => void, wake: () => void): Tabs {
  const end = new AbortController();
  const { signal } = end;
  let channel: BroadcastChannel | undefined;
  let locks: LockManager | undefined;
  if (inBrowser()) {
    document.addEventListener("visibilitychange", wake, { signal });
    addEventListener("online", wake, { signal });
    channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }: MessageEvent<News>) => hear(data);
    // There are none on plain http, nor in a page without an origin of its own.
    if (origin !== "null") locks = navigator.locks;
  }
  return {
    alone: locks ? async (task) => locks.request(name, task) : queue(),
    tell: (news) => channel?.postMessage(news),
    signal,
    close() {
      end.abort();
      channel?.close();
      channel = undefined;
    },
  };
}

function queue(): Tabs["alone"] {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const mine = last.then(task);
    last = mine.catch(() => undefined);
    return mine;
  };
}
