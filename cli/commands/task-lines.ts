import { type Timestamp, timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import { Priority, type Task } from "#gen/millrace/v1/task_pb.ts";
import { stateName } from "#lib/task/life.ts";
import { anyLines } from "../task-types/any-lines.ts";
import { shownName, type TaskTypes } from "../task-types/task-types.ts";
import { shownDuration } from "../terminal/duration.ts";
import { harmless } from "../terminal/text.ts";
import { canceledBecause, errorText } from "../watch/told.ts";

const COLUMNS = 96;
const NAME_CHARS = 10;

/** A task as it stands, for people. */
export function taskLines(task: Task, types: TaskTypes): string[] {
  return [
    `${task.id}  ${typeOf(task, types)}  ${stateName(task.state)}${canceledBecause(task)}`,
    ...field("queue", queueOf(task)),
    ...field("labels", labelsOf(task)),
    ...field("attempts", attemptsOf(task)),
    ...field("worker", task.workerId),
    ...field("progress", harmless(task.progress?.note ?? "")),
    ...field("error", task.error ? errorText(task) : ""),
    ...field("accepted", shownTime(task.createTime)),
    ...field("started", shownTime(task.startTime)),
    ...field("next", shownTime(task.nextAttemptTime)),
    ...field("expires", shownTime(task.expireTime)),
    ...field("deadline", shownTime(task.deadline)),
    ...field("restarted", restartsOf(task)),
    ...field("ended", endOf(task)),
    ...message("input", task.spec?.input, types),
    ...message("output", task.output, types),
  ];
}

function field(name: string, value: string): string[] {
  return value === "" ? [] : [`  ${name.padEnd(NAME_CHARS)}${value}`];
}

function message(name: string, any: Task["output"], types: TaskTypes): string[] {
  if (any === undefined) return [];
  return [`  ${name}`, ...anyLines(any, types, COLUMNS).map((line) => `    ${line}`)];
}

function typeOf({ spec }: Task, types: TaskTypes): string {
  return shownName(spec?.input?.typeUrl.split("/").at(-1) ?? "", types);
}

function queueOf({ spec }: Task): string {
  const priority = Object.entries(Priority).find(([, value]) => value === spec?.priority);
  return `${spec?.queue ?? ""}, ${priority?.[0].toLowerCase()}`;
}

function labelsOf({ spec }: Task): string {
  const labels = Object.entries(spec?.labels ?? {});
  return harmless(labels.map(([key, value]) => `${key}=${value}`).join(", "));
}

function attemptsOf({ attempt, failures, crashes }: Task): string {
  const lost = [failures && `${failures} failed`, crashes && `${crashes} crashed`].filter(Boolean);
  return lost.length === 0 ? String(attempt) : `${attempt} (${lost.join(", ")})`;
}

function restartsOf({ restarts, restartTime, restartedBy }: Task): string {
  if (restarts === 0) return "";
  const by = restartedBy === "" ? "" : ` by ${harmless(restartedBy)}`;
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
