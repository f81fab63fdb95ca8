import { type Timestamp, timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { Priority, type Task } from "#gen/millrace/v1/task_pb.ts";
import { escaped } from "#lib/process/escaped.ts";
import { stateName } from "#lib/task/life.ts";
import { typeNameOf } from "#lib/task/task-type.ts";
import { anyLines } from "../task-types/any-lines.ts";
import { shownName, type TaskTypes } from "../task-types/task-types.ts";
import { shownDuration } from "../terminal/duration.ts";
import { wrapped } from "../terminal/text.ts";
import { canceledBecause, errorText } from "../watch/told.ts";

const COLUMNS = 96;
const NAME_CHARS = 10;
const LEAST_ROOM = 20;
const INDENT = "    ";

/** A task as it stands, for people. */
export function taskLines(
  task: Task,
  types: TaskTypes,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const fields = fieldsOf(task).filter(([, value]) => value !== "");
  const columns = Math.min(COLUMNS, width - INDENT.length);
  return [
    `${task.id}  ${typeOf(task, types)}  ${stateName(task.state)}${canceledBecause(task)}`,
    ...fields.flatMap(([name, value]) => fieldLines(name, value, width)),
    ...message("input", task.spec?.input, { types, columns }),
    ...message("output", task.output, { types, columns }),
  ];
}

function fieldsOf(task: Task): [name: string, value: string][] {
  return [
    ["waits", task.waitingReason?.description ?? ""],
    ["queue", queueOf(task)],
    ["labels", labelsOf(task)],
    ["attempts", attemptsOf(task)],
    ["worker", task.workerId],
    ["progress", task.progress?.note ?? ""],
    ["error", task.error ? errorText(task) : ""],
    ["details", task.error?.details ? JSON.stringify(task.error.details) : ""],
    ["failed", shownTime(task.error?.time)],
    ["accepted", shownTime(task.createTime)],
    ["started", shownTime(task.startTime)],
    ["next", shownTime(task.nextAttemptTime)],
    ["expires", shownTime(task.expireTime)],
    ["deadline", shownTime(task.deadline)],
    ["restarted", restartsOf(task)],
    ["ended", endOf(task)],
  ];
}

/** The value beside its name, in as many lines as it needs. */
function fieldLines(name: string, value: string, width: number): string[] {
  const room = Math.max(LEAST_ROOM, width - NAME_CHARS - 2);
  return wrapped(escaped(value), room).map(
    (line, index) => `  ${(index === 0 ? name : "").padEnd(NAME_CHARS)}${line}`,
  );
}

interface Shown {
  readonly types: TaskTypes;
  readonly columns: number;
}

function message(name: string, any: Task["output"], { types, columns }: Shown): string[] {
  if (any === undefined) return [];
  return [`  ${name}`, ...anyLines(any, types, columns).map((line) => INDENT + line)];
}

function typeOf({ spec }: Task, types: TaskTypes): string {
  return shownName(typeNameOf(spec?.input), types);
}

function queueOf({ spec }: Task): string {
  const priority = Object.entries(Priority).find(([, value]) => value === spec?.priority);
  return `${spec?.queue ?? ""}, ${priority?.[0].toLowerCase()}`;
}

function labelsOf({ spec }: Task): string {
  const labels = Object.entries(spec?.labels ?? {});
  return labels.map(([key, value]) => `${key}=${value}`).join(", ");
}

function attemptsOf({ attempt, failures, crashes }: Task): string {
  const lost = [failures && `${failures} failed`, crashes && `${crashes} crashed`].filter(Boolean);
  return lost.length === 0 ? String(attempt) : `${attempt} (${lost.join(", ")})`;
}

function restartsOf({ restarts, restartTime, restartedBy }: Task): string {
  if (restarts === 0) return "";
  const by = restartedBy === "" ? "" : ` by ${restartedBy}`;
  return `${shownTime(restartTime)}${by}${restarts > 1 ? `, ${restarts} times in all` : ""}`;
}

function shownTime(time: Timestamp | undefined): string {
  return time === undefined ? "" : timestampDate(time).toISOString();
}

function endOf({ createTime, endTime }: Task): string {
  if (!createTime || !endTime) return "";
  const ms = timestampMs(endTime) - timestampMs(createTime);
  return `${shownTime(endTime)}, ${shownDuration(ms)} after it was accepted`;
}
