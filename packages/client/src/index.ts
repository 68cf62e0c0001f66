export type { components } from "./api.generated";
