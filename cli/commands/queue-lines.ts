import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Pause, Queue, QueueType } from "#gen/millrace/v1/queue_service_pb.ts";
import { shownBytes } from "../terminal/bytes.ts";
import { shownDuration } from "../terminal/duration.ts";
import { type Column, tableLines } from "../terminal/table.ts";

/** Queues as they stand, for people. */
export function queueLines(queues: readonly Queue[], nowMs: number, width?: number): string[] {
  const columns: Column<Queue>[] = [
    { title: "queue", align: "left", cell: ({ name }) => name },
    { title: "state", align: "left", cell: stateOf, need: 8 },
    { title: "waiting", align: "right", cell: ({ waiting }) => String(waiting) },
    { title: "oldest", align: "right", cell: ageOf, need: 7 },
    { title: "in flight", align: "right", cell: ({ inFlight }) => String(inFlight), need: 6 },
    { title: "in/s", align: "right", cell: ({ rates }) => rate(rates?.enqueuedPerSecond), need: 3 },
    { title: "taken/s", align: "right", cell: ({ rates }) => rate(rates?.takenPerSecond), need: 2 },
    { title: "out/s", align: "right", cell: ({ rates }) => rate(rates?.settledPerSecond), need: 4 },
    { title: "max tasks", align: "right", cell: ({ maxTasks }) => String(maxTasks), need: 1 },
    { title: "bytes", align: "right", cell: bytesOf, need: 5 },
  ];
  const pauses = queues.flatMap(({ name, pause }) =>
    pause ? [`${name} is ${pausedText(pause, forHowLong(pause, nowMs))}`] : [],
  );
  const unserved = queues.filter((queue) => queue.notServed).map(({ name }) => whatToDo(name));
  const withoutWorker = queues.flatMap((queue) => withoutWorkerLines(queue, nowMs));
  return [...tableLines(columns, queues, width), ...withoutWorker, ...pauses, ...unserved];
}

/** "paused by ada: maintenance". */
export function pausedText({ reason, requestedBy }: Pause, since = ""): string {
  const by = requestedBy === "" ? "" : ` by ${requestedBy}`;
  return `paused${since}${by}${reason === "" ? "" : `: ${reason}`}`;
}

function forHowLong({ time }: Pause, nowMs: number): string {
  return time ? ` for ${shownDuration(nowMs - timestampMs(time))}` : "";
}

function withoutWorkerLines({ name, types }: Queue, nowMs: number): string[] {
  return types
    .filter(({ unserved }) => unserved)
    .map((unserved) => {
      const { name: type, waiting } = unserved;
      const tasks = waiting === 1n ? "1 task" : `${waiting} tasks`;
      const of = type === "" ? "" : ` of ${type}`;
      return `${name}: no live worker serves ${tasks}${of}${insteadText(unserved, nowMs)}`;
    });
}

/** Where workers of the type are, or when they were. */
function insteadText({ servedElsewhere, lastSeenTime }: QueueType, nowMs: number): string {
  if (servedElsewhere) return " from this queue; live ones serve other queues";
  if (!lastSeenTime) return "";
  return `; last seen ${shownDuration(nowMs - timestampMs(lastSeenTime))} ago`;
}

function whatToDo(name: string): string {
  const remedy = `add it to MILLRACE_QUEUES again, or cancel them: millrace queues purge ${name}`;
  return `${name} is not served: the gateway is not configured with it, yet tasks lie in it; ${remedy}`;
}

function stateOf({ pause, notServed }: Queue): string {
  if (notServed) return "not served";
  return pause ? "paused" : "open";
}

function ageOf({ oldestWaitingAge }: Queue): string {
  return oldestWaitingAge ? shownDuration(durationMs(oldestWaitingAge)) : "-";
}

function rate(perSecond = 0): string {
  return perSecond.toFixed(1);
}

function bytesOf({ bytes, maxBytes }: Queue): string {
  const limit = maxBytes === 0n ? "" : ` of ${shownBytes(Number(maxBytes))}`;
  return `${shownBytes(Number(bytes))}${limit}`;
}
