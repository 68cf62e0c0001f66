// The signed-in user, one for the whole app.

import type { ChangePasswordInput, DeleteUserInput, UpdateUserInput } from "@adyton/client";
import { type ComputedRef, computed } from "vue";
import type { AdytonUser } from "../types";
import { useAdyton } from "../utils/adyton";

export interface UseUser<T> {
  /** Null for a guest, and while it is not known yet. */
  user: ComputedRef<T | null>;
  /** Reads the user anew. */
  refresh(): Promise<T | null>;
  /** Changes name or e-mail; a new e-mail needs `currentPassword`. */
  update(input: UpdateUserInput): Promise<T>;
  /** Signs all other sessions out. */
  changePassword(input: ChangePasswordInput): Promise<void>;
  /** Deletes the account. */
  remove(input: DeleteUserInput): Promise<void>;
}

/** `T` is for one place; for the whole app declare `AdytonUser` of `#adyton`. */
export function useUser<T extends AdytonUser = AdytonUser>(): UseUser<T> {
  const { client, state, attempt } = useAdyton();
  return {
    user: computed(() => state.value.user as T | null),
    refresh: async () => (await attempt(() => client.restore())).user as T | null,
    update: async (input) => (await attempt(() => client.updateUser(input))) as T,
    changePassword: (input) => attempt(() => client.changePassword(input)),
    remove: (input) => attempt(() => client.deleteUser(input)),
  };
}
