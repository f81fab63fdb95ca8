import type { TaskWanted } from "./caller.ts";

/** A task as JSON carries it: with so much text as it is to have, and none if that is open. */
export function withPayload({ payloadBytes, ...task }: TaskWanted) {
  return payloadBytes === undefined ? task : { ...task, payload: "x".repeat(payloadBytes) };
}
