import { SetupError } from "#lib/process/setup-error.ts";
import { DEFAULT_ATTEMPT_TIMEOUT_MS } from "#lib/task/limits.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";

/** As for tasks that bring their own. A timer of more than 24 days would besides go off at once. */
const LEAST_MS = 100;
const MOST_MS = 24 * 3_600_000;

/** Throws SetupError for task types whose attempts could not be run as they say, before one of their tasks finds out. */
export function checkTaskTypes(types: readonly TaskTypeDefinition[]): void {
  const names = new Set<string>();
  for (const type of types) {
    const { typeName } = type.input;
    if (names.has(typeName)) throw new SetupError(`two task types have the input ${typeName}`);
    names.add(typeName);
    checkTimeouts(type);
  }
}

function checkTimeouts({ alias, attemptTimeoutMs, softTimeoutMs }: TaskTypeDefinition): void {
  for (const [name, ms] of Object.entries({ attemptTimeoutMs, softTimeoutMs })) {
    if (ms === undefined || (ms >= LEAST_MS && ms <= MOST_MS)) continue;
    throw new SetupError(`${alias}: ${name} is ${ms}, and must be from ${LEAST_MS} to ${MOST_MS}`);
  }
  const hardMs = attemptTimeoutMs ?? DEFAULT_ATTEMPT_TIMEOUT_MS;
  if (softTimeoutMs === undefined || softTimeoutMs < hardMs) return;
  const than = `less than its attemptTimeoutMs, which is ${hardMs}`;
  throw new SetupError(`${alias}: softTimeoutMs is ${softTimeoutMs}, and must be ${than}`);
}
