import type { Child } from "../../processes/child.ts";
import { answers, until } from "../../processes/until.ts";

/** Resolves when the service says at its HTTP port that it is ready; fails if it ends before. */
export function untilReady(service: Child, url: string): Promise<void> {
  return until(`the ${service.role} is ready`, () => {
    service.throwIfExited();
    return answers(`${url}/readyz`);
  });
}
