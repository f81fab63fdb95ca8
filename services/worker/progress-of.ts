import { create } from "@bufbuild/protobuf";
import { type Progress, ProgressSchema } from "#gen/millrace/v1/task_pb.ts";
import type { ProgressReport } from "#lib/task/task-type.ts";
import { shortText } from "./short-text.ts";

type NumberField = "fraction" | "current" | "total";

/** Something of a report that is not taken as it is. */
interface ProgressFault {
  readonly field: NumberField | "note" | "report";
  readonly message: string;
}

interface ReadReport {
  /** Undefined: nothing of it can be told. */
  readonly progress: Progress | undefined;
  readonly faults: readonly ProgressFault[];
}

/** Not every handler is checked by a compiler. */
type AnyReport = Readonly<Partial<Record<keyof ProgressReport, unknown>>>;

/** Handlers divide by zero, and overflow: that must neither fail an attempt nor reach a reader. */
export function progressOf(attempt: number, given: ProgressReport): ReadReport {
  const faults: ProgressFault[] = [];
  const report = readReport(given, faults);
  const note = readNote(report, faults);
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

function readReport(given: unknown, faults: ProgressFault[]): AnyReport {
  if (typeof given === "object" && given !== null) return given;
  const message = `progress: the report is ${shortText(given)}, not an object; it is left out (further ones are not told)`;
  faults.push({ field: "report", message });
  return {};
}

function readNote({ note }: AnyReport, faults: ProgressFault[]): string | undefined {
  if (note === undefined || typeof note === "string") return note && shortText(note);
  const message = `progress: note is of type ${typeof note}, not a text; it is left out (further ones are not told)`;
  faults.push({ field: "note", message });
  return undefined;
}

function read(field: NumberField, report: AnyReport, faults: ProgressFault[]): number | undefined {
  const given = report[field];
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
