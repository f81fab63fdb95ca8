import { SetupError } from "#lib/process/setup-error.ts";
import { DEFAULT_ATTEMPT_TIMEOUT_MS } from "#lib/task/limits.ts";
import type { RetryPolicy } from "#lib/task/retry.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";

type Range = readonly [least: number, most: number];

const HOUR_MS = 3_600_000;
/** A timer of more than 24 days would go off at once. */
const TIMEOUT_MS: Range = [100, 24 * HOUR_MS];

/** As task.proto has it for tasks that bring their own. */
const TIMEOUTS = { attemptTimeoutMs: TIMEOUT_MS, softTimeoutMs: TIMEOUT_MS };
const KEPT: Readonly<Record<"keepForMs", Range>> = { keepForMs: [1, 366 * 24 * HOUR_MS] };
const RETRIES: Readonly<Record<Exclude<keyof RetryPolicy, "nonRetryableCodes">, Range>> = {
  maxAttempts: [1, 100],
  initialBackoffMs: [250, HOUR_MS],
  maxBackoffMs: [250, 24 * HOUR_MS],
  backoffMultiplier: [1, 10],
  jitter: [0, 1],
};

/** Throws SetupError for task types whose attempts could not be run as they say, before one of their tasks finds out. */
export function checkTaskTypes(types: readonly TaskTypeDefinition[]): void {
  refuseTwins(types);
  for (const type of types) {
    checkRanges(type.alias, type, TIMEOUTS);
    checkRanges(type.alias, type, KEPT);
    checkSoftTimeout(type);
    checkRetry(type);
  }
}

function refuseTwins(types: readonly TaskTypeDefinition[]): void {
  const byName = new Map<string, TaskTypeDefinition>();
  for (const type of types) {
    const { typeName } = type.input;
    if (byName.has(typeName)) throw new SetupError(`two task types have the input ${typeName}`);
    byName.set(typeName, type);
  }
  const byAlias = new Map<string, string>();
  for (const { alias, input } of types) {
    if (alias === "") continue;
    const other = byAlias.get(alias) ?? byName.get(alias)?.input.typeName ?? input.typeName;
    if (other !== input.typeName) {
      throw new SetupError(`the alias ${alias} of ${input.typeName} means ${other} too`);
    }
    byAlias.set(alias, input.typeName);
  }
}

function checkRanges<Name extends string>(
  what: string,
  given: { readonly [name in NoInfer<Name>]?: number },
  ranges: Readonly<Record<Name, Range>>,
): void {
  for (const name in ranges) {
    const [least, most] = ranges[name];
    const value = given[name];
    if (value === undefined || (value >= least && value <= most)) continue;
    throw new SetupError(`${what}: ${name} is ${value}, and must be from ${least} to ${most}`);
  }
}

function checkSoftTimeout({ alias, attemptTimeoutMs, softTimeoutMs }: TaskTypeDefinition): void {
  const hardMs = attemptTimeoutMs ?? DEFAULT_ATTEMPT_TIMEOUT_MS;
  if (softTimeoutMs === undefined || softTimeoutMs < hardMs) return;
  const than = `less than its attemptTimeoutMs, which is ${hardMs}`;
  throw new SetupError(`${alias}: softTimeoutMs is ${softTimeoutMs}, and must be ${than}`);
}

function checkRetry({ alias, retry = {} }: TaskTypeDefinition): void {
  checkRanges(`${alias}: retry`, retry, RETRIES);
  if (Number.isInteger(retry.maxAttempts ?? 1)) return;
  const whole = `maxAttempts is ${retry.maxAttempts}, and must be a whole number`;
  throw new SetupError(`${alias}: retry: ${whole}`);
}
