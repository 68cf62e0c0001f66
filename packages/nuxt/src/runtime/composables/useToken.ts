// The credential of this visitor: what it may do and how long, and the personal access tokens of its user.

import type { CreatedToken, CreateTokenInput, TokenInfo } from "@adyton/client";
import { type ComputedRef, computed, type Ref } from "vue";
import type { State } from "../types";
import { useAdyton } from "../utils/adyton";
import { holds } from "../utils/abilities";
import { useNow } from "../utils/now";

export interface UseToken {
  /**
   * The access token in token mode, in the browser. Null in cookie mode: no script can read that credential.
   */
  token: Readonly<Ref<string | null>>;
  /** When the access token ends, in cookie mode the session; null for what never ends, and for guests. */
  expiresAt: ComputedRef<string | null>;
  /** The same in whole seconds from now, counting down. */
  expiresIn: ComputedRef<number | null>;
  abilities: ComputedRef<readonly string[]>;
  /** Whether all of these abilities are there. */
  can(...abilities: string[]): boolean;
  /** Token mode: the next pair of tokens. Cookie mode: asks the server anew. */
  refresh(): Promise<State>;
  /** The personal access tokens of this user. */
  list(): Promise<TokenInfo[]>;
  /** Makes a personal access token; its plain text is told this once. */
  create(input: CreateTokenInput): Promise<CreatedToken>;
  revoke(id: number): Promise<void>;
}

export function useToken(): UseToken {
  const { client, state, token, attempt } = useAdyton();
  const now = useNow();
  const expiresAt = computed(() => state.value.expiresAt);
  return {
    token,
    expiresAt,
    expiresIn: computed(() => secondsUntil(expiresAt.value, now.value)),
    abilities: computed(() => state.value.abilities),
    can: (...abilities) => holds(state.value.abilities, abilities),
    refresh: () => attempt(() => client.refresh()),
    list: () => attempt(() => client.tokens.list()),
    create: (input) => attempt(() => client.tokens.create(input)),
    revoke: (id) => attempt(() => client.tokens.revoke(id)),
  };
}

function secondsUntil(time: string | null, now: number): number | null {
  return time === null ? null : Math.max(0, Math.ceil((Date.parse(time) - now) / 1000));
}
