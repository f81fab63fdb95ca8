import { create } from "@bufbuild/protobuf";
import { type Progress, ProgressSchema } from "#gen/millrace/v1/task_pb.ts";
import type { ProgressReport } from "#lib/task/task-type.ts";

type NumberField = "fraction" | "current" | "total";

/** A number of a report that is not taken as it is. */
interface ProgressFault {
  readonly field: NumberField;
  readonly message: string;
}

interface ReadReport {
  /** Undefined: nothing of it can be told. */
  readonly progress: Progress | undefined;
  readonly faults: readonly ProgressFault[];
}

/** Handlers divide by zero, and overflow: that must neither fail an attempt nor reach a reader. */
export function progressOf(attempt: number, report: ProgressReport): ReadReport {
  const { note } = report;
  const faults: ProgressFault[] = [];
  const fraction = read("fraction", report, faults);
  const current = read("current", report, faults);
  const total = read("total", report, faults);
  const isEmpty = [fraction, current, total, note].every((part) => part === undefined);
  const progress = create(ProgressSchema, {
    attempt,
    ...(fraction !== undefined && { fraction }),
    ...(current !== undefined && { current: BigInt(current) }),
    ...(total !== undefined && { total: BigInt(total) }),
    ...(note !== undefined && { note }),
  });
  return { progress: isEmpty && faults.length > 0 ? undefined : progress, faults };
}

function read(
  field: NumberField,
  report: ProgressReport,
  faults: ProgressFault[],
): number | undefined {
  // Whatever it is: not every handler is checked by a compiler.
  const given: unknown = report[field];
  if (given === undefined) return undefined;
  const taken = field === "fraction" ? shareOf(given) : countOf(given);
  const isTaken = field === "fraction" ? taken === given : taken !== undefined;
  if (!isTaken) faults.push({ field, message: messageOf(field, given, taken) });
  return taken;
}

function shareOf(given: unknown): number | undefined {
  if (typeof given !== "number" || !Number.isFinite(given)) return undefined;
  return Math.min(1, Math.max(0, given));
}

function countOf(given: unknown): number | undefined {
  const units = typeof given === "number" ? Math.trunc(given) : Number.NaN;
  return Number.isSafeInteger(units) && units >= 0 ? units : undefined;
}

function messageOf(field: NumberField, given: unknown, taken: number | undefined): string {
  const shown = typeof given === "number" ? String(given) : `of type ${typeof given}`;
  const most = field === "fraction" ? 1 : Number.MAX_SAFE_INTEGER;
  const fate = taken === undefined ? "it is left out" : `it is taken for ${taken}`;
  return `progress: ${field} is ${shown}, not a number from 0 to ${most}; ${fate} (further ones are not told)`;
}
