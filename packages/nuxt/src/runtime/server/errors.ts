// Answers what `requireUser` and `requireAbility` throw as the endpoints answer: problem details, with their
// headers.

import { defineNitroErrorHandler } from "nitropack/runtime";
import { send } from "./raw";
import { answerTo, isRefusal } from "./refusal";
import { hideFromCdns, noteRefusal, useAdytonServer } from "./state";

export default defineNitroErrorHandler((error, event) => {
  // What route rules say to caches is about the page. Nuxt renders its error by a request of its own, with the visitor's
  // cookies, and of that answer takes over what it says itself, which is not all that has been said.
  hideFromCdns(event.node.res);
  const refusal = [error, error.cause].find(isRefusal);
  if (!refusal || event.handled) return;
  noteRefusal(useAdytonServer(), event, refusal);
  send(event, answerTo(refusal));
});
