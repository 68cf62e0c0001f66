// Answers what `requireUser` and `requireAbility` throw as the endpoints answer: problem details, with their
// headers.

import { defineNitroErrorHandler } from "nitropack/runtime";
import { send } from "./raw";
import { answerTo, isRefusal } from "./refusal";

export default defineNitroErrorHandler((error, event) => {
  const refusal = [error, error.cause].find(isRefusal);
  if (refusal && !event.handled) send(event, answerTo(refusal));
});
