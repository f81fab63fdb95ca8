import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Pause, Queue } from "#gen/millrace/v1/queue_service_pb.ts";
import { shownBytes } from "../terminal/bytes.ts";
import { shownDuration } from "../terminal/duration.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { harmless } from "../terminal/text.ts";

/** Queues as they stand, for people. */
export function queueLines(queues: readonly Queue[], nowMs: number): string[] {
  const columns: Column<Queue>[] = [
    { title: "queue", align: "left", cell: ({ name }) => name },
    { title: "state", align: "left", cell: ({ pause }) => (pause ? "paused" : "open") },
    { title: "waiting", align: "right", cell: ({ waiting }) => String(waiting) },
    { title: "oldest", align: "right", cell: ageOf },
    { title: "in flight", align: "right", cell: ({ inFlight }) => String(inFlight) },
    { title: "in/s", align: "right", cell: ({ rates }) => rate(rates?.enqueuedPerSecond) },
    { title: "taken/s", align: "right", cell: ({ rates }) => rate(rates?.takenPerSecond) },
    { title: "out/s", align: "right", cell: ({ rates }) => rate(rates?.settledPerSecond) },
    { title: "max tasks", align: "right", cell: ({ maxTasks }) => String(maxTasks) },
    { title: "bytes", align: "right", cell: bytesOf },
  ];
  const pauses = queues.flatMap(({ name, pause }) =>
    pause ? [`${name} is ${pausedText(pause, nowMs)}`] : [],
  );
  return [...tableLines(columns, queues), ...pauses];
}

/** "paused for 5 s by ada: maintenance". */
export function pausedText({ time, reason, requestedBy }: Pause, nowMs: number): string {
  const since = time ? ` for ${shownDuration(nowMs - timestampMs(time))}` : "";
  const by = requestedBy === "" ? "" : ` by ${requestedBy}`;
  return harmless(`paused${since}${by}${reason === "" ? "" : `: ${reason}`}`).replaceAll("\n", " ");
}

function ageOf({ oldestWaitingAge }: Queue): string {
  return oldestWaitingAge ? shownDuration(durationMs(oldestWaitingAge)) : "-";
}

function rate(perSecond = 0): string {
  return perSecond.toFixed(1);
}

function bytesOf({ bytes, maxBytes }: Queue): string {
  return `${shownBytes(Number(bytes))} of ${shownBytes(Number(maxBytes))}`;
}
