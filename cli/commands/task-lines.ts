import { durationMs, type Timestamp, timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { Priority, type Task, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { escaped } from "#lib/process/escaped.ts";
import { isTerminal, stateName } from "#lib/task/life.ts";
import { typeNameOf } from "#lib/task/task-type.ts";
import { anyLines } from "../task-types/any-lines.ts";
import { shownName, type TaskTypes } from "../task-types/task-types.ts";
import { shownDuration } from "../terminal/duration.ts";
import { wrapped } from "../terminal/text.ts";
import { canceledBecause, errorText } from "../watch/told.ts";

const COLUMNS = 96;
const NAME_CHARS = 13;
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

type Field = [name: string, value: string];

function fieldsOf(task: Task): Field[] {
  return [
    ["waits", task.waitingReason?.description ?? ""],
    ["queue", queueOf(task)],
    ["labels", labelsOf(task)],
    ["attempts", attemptsOf(task)],
    ["worker", task.workerId],
    ["progress", task.progress?.note ?? ""],
    ...errorOf(task),
    ["accepted", shownTime(task.createTime)],
    ["started", shownTime(task.startTime)],
    ["next", shownTime(task.nextAttemptTime)],
    ...limitsOf(task),
    ["restarted", restartsOf(task)],
    ["ended", endOf(task)],
    ["keep for", keepForOf(task)],
  ];
}

/** It is the reason of a failure; of all else that may come after it, it is history. */
function errorOf(task: Task): Field[] {
  const { error, state } = task;
  if (!error) return [];
  const last = state === TaskState.FAILED ? "" : "last ";
  return [
    [`${last}error`, errorText(task)],
    ["details", error.details ? JSON.stringify(error.details) : ""],
    [`${last}failed`, shownTime(error.time)],
  ];
}

/** They end with the task. */
function limitsOf({ state, expireTime, deadline }: Task): Field[] {
  if (isTerminal(state)) return [];
  return [
    ["expires", shownTime(expireTime)],
    ["deadline", shownTime(deadline)],
  ];
}

function keepForOf({ spec }: Task): string {
  return spec?.keepFor ? `${shownDuration(durationMs(spec.keepFor))} once it has ended` : "";
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
