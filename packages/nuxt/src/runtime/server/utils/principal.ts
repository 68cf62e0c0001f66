// For handlers: who is calling, whether there is a guard before them or not.

import { createError, type H3Event } from "h3";
import { missing } from "../../utils/abilities";
import type { AdytonUser } from "../../types";
import { refuseBlindCache } from "../kept";
import { head } from "../raw";
import { isRefusal, missingAbility, unauthenticated, unavailable } from "../refusal";
import { markPersonal, tellPage, useAdytonServer } from "../state";
import type { Principal, Refusal } from "../types";

const found = new WeakMap<object, Promise<Principal | null>>();

/**
 * Who sends a request; null for a guest, also for one with a credential that is not good any more. Rejects with a 503
 * while nobody can tell.
 */
export async function getPrincipal<U extends AdytonUser = AdytonUser>(
  event: H3Event,
): Promise<Principal<U> | null> {
  const principal = await authenticated(event).catch((error: unknown) => {
    if (isRefusal(error) && error.status < 500) return null;
    throw thrown(error);
  });
  return principal as Principal<U> | null;
}

/**
 * The signed-in user; else answers 401 in the words of the engine. A cookie needs its CSRF check here as
 * anywhere.
 */
export async function requireUser<U extends AdytonUser = AdytonUser>(event: H3Event): Promise<U> {
  return (await requirePrincipal(event)).user as U;
}

/** The same, and every one of these abilities; else 403. */
export async function requireAbility<U extends AdytonUser = AdytonUser>(
  event: H3Event,
  ...abilities: string[]
) {
  const principal = await requirePrincipal(event);
  const lacking = missing(principal.abilities, abilities);
  if (lacking.length > 0) throw thrown(missingAbility(lacking));
  return principal.user as U;
}

async function requirePrincipal(event: H3Event): Promise<Principal> {
  const principal = await authenticated(event).catch((error: unknown) => {
    throw thrown(error);
  });
  if (!principal) throw thrown(unauthenticated());
  return principal;
}

function authenticated(event: H3Event): Promise<Principal | null> {
  // A cached handler answers everybody alike; what depends on the caller is kept for nobody.
  refuseBlindCache(event);
  if (event.context.cache) markPersonal(event);
  const { context } = event;
  if (context.adyton) return Promise.resolve(context.adyton);
  const known = found.get(context) ?? ask(event);
  found.set(context, known);
  return known;
}

async function ask(event: H3Event): Promise<Principal | null> {
  const { backend, from } = useAdytonServer();
  const principal = await backend.authenticate(head(event, from));
  if (principal) tellPage(event);
  return principal;
}

/** Errors of h3 are answered by `errors.ts`, and are no accidents to the logs. */
function thrown(error: unknown): Error {
  const refusal: Refusal = isRefusal(error)
    ? error
    : unavailable("the credential cannot be checked; try again", error);
  const { status, problem, message } = refusal;
  return createError({
    statusCode: status,
    statusMessage: problem.title,
    message,
    data: problem,
    cause: refusal,
  });
}
