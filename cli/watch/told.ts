import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type LogLine,
  LogLine_Level,
  type StateChange,
  type TaskEvent,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { cut } from "#lib/process/cut.ts";
import { isTerminal } from "#lib/task/life.ts";
import { shownDuration } from "../terminal/duration.ts";
import { type Line, painted } from "../terminal/line.ts";
import type { Picture } from "./picture.ts";

/** What is worth a line of its own when this event follows that picture; progress and output are not. */
export function told(event: TaskEvent, before: Picture): Line | undefined {
  const { facet } = event;
  if (facet.case === "log") return logLine(facet.value);
  if (facet.case !== "state") return undefined;
  const atMs = event.time ? timestampMs(event.time) : Number.NaN;
  return stateLine(facet.value, { before, atMs });
}

interface Telling {
  readonly before: Picture;
  readonly atMs: number;
}

function stateLine(change: StateChange, telling: Telling): Line | undefined {
  switch (change.state) {
    case TaskState.RUNNING:
      return startLine(change, telling);
    case TaskState.RETRYING:
      return [painted("yellow", retryLine(change, telling.atMs))];
    case TaskState.QUEUED:
      return queueLine(change, telling);
    case TaskState.SUCCEEDED:
      return [painted("green", `✔ succeeded${took(telling)}`)];
    case TaskState.FAILED:
      return [painted("red", `✘ failed${took(telling)}: ${failureText(change)}`)];
    case TaskState.CANCELED:
      return [painted("yellow", `✘ canceled${canceledBecause(change)}`)];
    case TaskState.EXPIRED:
      return [painted("yellow", "✘ expired: it was not started in time")];
    default:
      return undefined;
  }
}

/** That it comes to its queue for the first time is no news. */
function queueLine({ restartedBy }: StateChange, { before }: Telling): Line | undefined {
  if (isTerminal(before.state)) return [painted("yellow", `started again${by(restartedBy)}`)];
  if (before.attempt === 0) return undefined;
  return [painted("yellow", "handed back; another worker goes on")];
}

function startLine(change: StateChange, { before }: Telling): Line | undefined {
  if (change.attempt <= 1) return undefined;
  const crashed = before.state === TaskState.RUNNING ? "its worker was lost; " : "";
  return [painted("dim", `${crashed}attempt ${change.attempt} starts on ${change.workerId}`)];
}

function retryLine(change: StateChange, atMs: number): string {
  const { nextAttemptTime: next, attempt } = change;
  const delay = next ? ` in ${shownDuration(timestampMs(next) - atMs)}` : "";
  return `attempt ${attempt} failed: ${failureText(change)}; the next one starts${delay}`;
}

function took({ before, atMs }: Telling): string {
  const ms = atMs - before.sinceMs;
  const attempts = before.attempt > 1 ? `, attempt ${before.attempt}` : "";
  return Number.isNaN(ms) ? "" : ` in ${shownDuration(ms)}${attempts}`;
}

/** Of what a handler has told of an error besides, as much as a line has room for. */
const MAX_DETAILS_BYTES = 400;

function failureText({ error }: Pick<StateChange, "error">): string {
  const details = error?.details ? ` ${cut(JSON.stringify(error.details), MAX_DETAILS_BYTES)}` : "";
  return errorText({ error }) + details;
}

export function errorText({ error }: Pick<StateChange, "error">): string {
  if (!error) return "no reason was given";
  const code = error.code === "" ? "" : ` (${error.code})`;
  return error.message + code;
}

/** Who canceled it, and why, as far as they said. */
export function canceledBecause(canceled: {
  readonly canceledBy: string;
  readonly cancelReason: string;
}): string {
  const { canceledBy, cancelReason } = canceled;
  return by(canceledBy) + (cancelReason === "" ? "" : `: ${cancelReason}`);
}

function by(whom: string): string {
  return whom === "" ? "" : ` by ${whom}`;
}

const LEVELS: ReadonlyMap<LogLine_Level, string> = new Map([
  [LogLine_Level.DEBUG, "debug"],
  [LogLine_Level.WARN, "warn"],
  [LogLine_Level.ERROR, "error"],
]);

function logLine({ level, message }: LogLine): Line {
  const name = LEVELS.get(level) ?? "info";
  const serious = name === "warn" || name === "error";
  return [painted(serious ? "yellow" : "dim", `  ${name}  ${message}`)];
}
