// The time, ticking every second in the browser: one clock for all who look at it, and none while nobody does.

import { getCurrentScope, onMounted, onScopeDispose, type Ref, shallowRef, getCurrentInstance } from "vue";

const now = shallowRef(0);
let timer: ReturnType<typeof setInterval> | undefined;
let watchers = 0;

/** Milliseconds since 1970. On the server, and until a page is mounted, it stands still. */
export function useNow(): Readonly<Ref<number>> {
  if (import.meta.server) return shallowRef(Date.now());
  if (now.value === 0) now.value = Date.now();
  if (getCurrentScope()) {
    if (getCurrentInstance()) onMounted(start);
    else start();
    onScopeDispose(stop);
  }
  return now;
}

function start() {
  watchers += 1;
  now.value = Date.now();
  timer ??= setInterval(() => (now.value = Date.now()), 1000);
}

function stop() {
  watchers = Math.max(0, watchers - 1);
  if (watchers > 0) return;
  clearInterval(timer);
  timer = undefined;
}
