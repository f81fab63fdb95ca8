import type { SystemUnderTest } from "./systems/system.ts";
import type { Case } from "./works/work.ts";

/** Whether the system has what the case needs. */
export function takesPart({ also }: Pick<SystemUnderTest, "also">, { needs = [] }: Case): boolean {
  return needs.every((need) => also.includes(need));
}
