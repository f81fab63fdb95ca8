import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { shownDuration } from "../terminal/duration.ts";
import { type Line, painted } from "../terminal/line.ts";
import { fitted, widthOf } from "../terminal/text.ts";
import type { Picture } from "./picture.ts";

const CELLS = 24;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 80;

interface Waits {
  /** Why it waits, as far as that is known. */
  readonly waits?: string;
}

/** How far a task is, in one line that fits: `████░░░░  50 %  fetching example.com  attempt 2 · 1.4 s` */
export function barLine(picture: Picture & Waits, nowMs: number, columns: number): Line {
  const gauge = gaugeOf(picture, nowMs);
  const tail = tailOf(picture, nowMs);
  const room = columns - widthOf(gauge) - widthOf(tail) - 4;
  const note = fitted(noteOf(picture, nowMs), Math.max(0, room));
  return room < 0
    ? fitted(gauge, columns)
    : [painted("cyan", gauge), `  ${note}  `, painted("dim", tail)];
}

function gaugeOf({ progress }: Picture, nowMs: number): string {
  const fraction = progress?.fraction;
  if (fraction === undefined) return FRAMES[Math.floor(nowMs / FRAME_MS) % FRAMES.length] ?? "";
  const share = Math.min(1, Math.max(0, fraction));
  const full = Math.round(share * CELLS);
  return `${"█".repeat(full)}${"░".repeat(CELLS - full)} ${percent(share)}`;
}

export function percent(share: number): string {
  return `${String(Math.floor(share * 100)).padStart(3)} %`;
}

function noteOf(picture: Picture & Waits, nowMs: number): string {
  const { state, progress, nextAttemptMs = 0, waits } = picture;
  const isDue = nextAttemptMs <= nowMs;
  switch (state) {
    case TaskState.SCHEDULED:
      return isDue ? waitingText(waits) : `starts in ${shownDuration(nextAttemptMs - nowMs)}`;
    case TaskState.QUEUED:
      return waitingText(waits);
    case TaskState.RETRYING:
      return isDue ? waitingText(waits) : `next attempt in ${shownDuration(nextAttemptMs - nowMs)}`;
    default:
      return progress?.note || "running";
  }
}

function waitingText(waits = ""): string {
  return waits === "" ? "waits for a worker" : `waits: ${waits}`;
}

function tailOf({ attempt, sinceMs }: Picture, nowMs: number): string {
  const elapsed = Number.isNaN(sinceMs) ? "" : shownDuration(nowMs - sinceMs);
  return [attempt > 1 ? `attempt ${attempt}` : "", elapsed].filter(Boolean).join(" · ");
}
