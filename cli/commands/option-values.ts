import {
  type Duration,
  durationFromMs,
  type Timestamp,
  timestampFromMs,
} from "@bufbuild/protobuf/wkt";
import { InvalidArgumentError } from "commander";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import { wholeNumber } from "#lib/process/setting.ts";
import { parseDuration } from "../terminal/duration.ts";

const PRIORITIES: ReadonlyMap<string, Priority> = new Map([
  ["urgent", Priority.URGENT],
  ["high", Priority.HIGH],
  ["normal", Priority.NORMAL],
  ["low", Priority.LOW],
]);

/** `--id "$ID"` with nothing in ID is a mistake, and does something else than what was meant. */
export function textValue(given: string): string {
  if (given.trim() !== "") return given;
  throw new InvalidArgumentError("must not be empty");
}

export function priorityValue(given: string): Priority {
  const found = PRIORITIES.get(given.toLowerCase());
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`must be one of ${[...PRIORITIES.keys()].join(", ")}`);
}

export function durationValue(given: string): Duration {
  const ms = parseDuration(given);
  if (ms !== undefined) return durationFromMs(ms);
  throw new InvalidArgumentError('must be a duration, e.g. "500ms", "30s", "5m", "2h" or "3d"');
}

/** ISO 8601 with a time zone, so that it means the same everywhere. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

export function timeValue(given: string): Timestamp {
  const ms = TIME.test(given) ? Date.parse(given) : Number.NaN;
  if (!Number.isNaN(ms)) return timestampFromMs(ms);
  throw new InvalidArgumentError(
    'must be a time with its zone, e.g. "2030-01-31T09:00:00Z" or "2030-01-31T09:00+01:00"',
  );
}

export function codesValue(given: string, before: readonly string[] = []): readonly string[] {
  if (/^[A-Z][A-Z0-9_]{0,63}$/.test(given)) return [...before, given];
  throw new InvalidArgumentError("must be the code of an error, e.g. HTTP_STATUS");
}

export function sequenceValue(given: string): bigint {
  if (/^\d{1,19}$/.test(given)) return BigInt(given);
  throw new InvalidArgumentError("must be the sequence of an event");
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["kib", 2 ** 10],
  ["mib", 2 ** 20],
  ["gib", 2 ** 30],
]);

export function bytesValue(given: string): bigint {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(given.trim()) ?? [];
  const bytes = Number(amount) * (UNITS.get(unit.toLowerCase()) ?? Number.NaN);
  if (Number.isSafeInteger(bytes)) return BigInt(bytes);
  throw new InvalidArgumentError('must be a number of bytes, e.g. "1048576", "64MiB" or "2GiB"');
}

export function parkedSequenceValue(given: string): bigint {
  if (/^\d{1,19}$/.test(given)) return BigInt(given);
  throw new InvalidArgumentError("must be the sequence of a parked message");
}

export function sequencesValue(given: string, before: readonly bigint[] = []): readonly bigint[] {
  return [...before, parkedSequenceValue(given)];
}

export const attemptsValue = wholeNumber(1, 100);

export function collectedValue(given: string, before: readonly string[] = []): readonly string[] {
  return [...before, given];
}

export function labelValue(
  given: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = given.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("must be key=value");
  const key = given.slice(0, at);
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`"${key}" is given twice`);
  return { ...before, [key]: given.slice(at + 1) };
}
