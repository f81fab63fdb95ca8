import { Code } from "@connectrpc/connect";

/** The way gRPC writes a code: `Code.NotFound` → `NOT_FOUND`. */
export function codeName(code: Code): string {
  return Code[code].replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
