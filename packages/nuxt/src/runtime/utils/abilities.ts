// Which abilities a credential has, by the rule of the engine: exact names, `*` for all.

/** Whether all that is needed is held. */
export function holds(held: readonly string[], needed: readonly string[]): boolean {
  return missing(held, needed).length === 0;
}

export function missing(held: readonly string[], needed: readonly string[]): string[] {
  return held.includes("*") ? [] : needed.filter((name) => !held.includes(name));
}
