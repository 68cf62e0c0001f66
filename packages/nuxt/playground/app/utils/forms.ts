// How a field learns of its problem from the form around it.
import type { InjectionKey, Ref } from "vue";

export type FormErrors = Ref<Record<string, string[]>>;
export const formErrors: InjectionKey<FormErrors> = Symbol("problems of the fields");
