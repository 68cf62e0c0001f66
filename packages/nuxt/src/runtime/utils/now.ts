// The time, ticking every second in the browser: one clock for all who look at it, and none while nobody
// does.

import { useState } from "nuxt/app";
import { getCurrentInstance, getCurrentScope, onMounted, onScopeDispose, type Ref, shallowRef } from "vue";

/** Of the browser: a server only says what time it was when it rendered. */
const now = shallowRef(0);
let timer: ReturnType<typeof setInterval> | undefined;
let watchers = 0;

/**
 * Milliseconds since 1970. Until a component is mounted it is the time at which the page was rendered, so that both
 * sides show the same.
 */
export function useNow(): Readonly<Ref<number>> {
  const rendered = useState("adyton:now", () => Date.now());
  if (import.meta.server) return rendered;
  if (now.value === 0) now.value = rendered.value;
  let isWatching = false;
  const begin = () => {
    isWatching = true;
    start();
  };
  if (getCurrentInstance()) onMounted(begin);
  else begin();
  if (getCurrentScope()) onScopeDispose(() => isWatching && stop());
  return now;
}

function start() {
  watchers += 1;
  now.value = Date.now();
  timer ??= setInterval(() => (now.value = Date.now()), 1000);
}

function stop() {
  watchers -= 1;
  if (watchers > 0) return;
  clearInterval(timer);
  timer = undefined;
}
