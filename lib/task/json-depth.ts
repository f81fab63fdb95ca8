import type { JsonValue } from "@bufbuild/protobuf";

/** Protobuf libraries read 100 levels of messages, and an object within an object takes three. */
export const MAX_JSON_DEPTH = 30;

/** Whether it is nested deeper than every client can read. */
export function isTooDeep(value: JsonValue, levels = MAX_JSON_DEPTH): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isTooDeep(inner, levels - 1));
}
