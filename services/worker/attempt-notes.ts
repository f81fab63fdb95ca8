import { create } from "@bufbuild/protobuf";
import {
  type LogLine,
  LogLine_Level,
  LogLineSchema,
  OutputChunkSchema,
  type Progress,
  type TaskEvent,
} from "#gen/millrace/v1/task_pb.ts";
import type { LogLevel, ProgressReport } from "#lib/task/task-type.ts";
import { progressOf } from "./progress-of.ts";

type Facet = TaskEvent["facet"];

/** Handlers may speak as often as they like; readers hear of it this often at the most. */
const FLUSH_MS = 100;
/** Reports of different steps that one flush may carry; of more, the newest are kept. */
const MAX_STEPS = 8;
/** Largest piece of output, in UTF-16 units or bytes: at most 48 KiB on the wire. */
const MAX_PIECE = 16 * 1024;
const MAX_LINE_LENGTH = 4_000;
/** So many pieces and lines don't wait. */
const FULL_AT = 64;
/** What is kept for a broker that is away, in UTF-16 units or bytes. More is dropped, which no outcome depends on. */
const MAX_HELD_SIZE = 2 ** 20;

const LEVELS: Readonly<Record<LogLevel, LogLine_Level>> = {
  debug: LogLine_Level.DEBUG,
  info: LogLine_Level.INFO,
  warn: LogLine_Level.WARN,
  error: LogLine_Level.ERROR,
};

/** What an attempt says while it runs, on its way to the log: progress throttled, output put together. */
export class AttemptNotes implements Disposable {
  readonly #attempt: number;
  readonly #write: (facet: Facet) => void;
  /** Output and log lines, in their order. */
  readonly #held: Facet[] = [];
  #heldSize = 0;
  #steps: Progress[] = [];
  /** Numbers of reports that were found wrong: a line for each of them is enough. */
  readonly #faults = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #flushAtMs = 0;
  #disposed = false;

  /** `write` throws while the broker is away. */
  constructor(attempt: number, write: (facet: Facet) => void) {
    this.#attempt = attempt;
    this.#write = write;
  }

  /** Of one step only the newest report counts; a step that is over before it could be told is told all the same. */
  report(progress: ProgressReport): void {
    const { progress: step, faults } = progressOf(this.#attempt, withShortNote(progress));
    for (const { field, message } of faults) this.#logOnce(field, message);
    if (step) this.#addStep(step);
    this.#flushSoon();
  }

  emit(piece: string | Uint8Array): void {
    for (const part of parts(piece)) this.#append(part);
    this.#flushSoon();
  }

  log(level: LogLevel, message: string): void {
    const line = { attempt: this.#attempt, level: LEVELS[level], message: trimmed(message) };
    this.#addLine(create(LogLineSchema, line));
    this.#flushSoon();
  }

  /** Takes over what other notes of the attempt have written, in another thread. */
  relay(facet: Facet): void {
    if (facet.case === "progress") this.#addStep(facet.value);
    if (facet.case === "log") this.#addLine(facet.value);
    if (facet.case === "output") this.emit(facet.value.content.value ?? "");
    this.#flushSoon();
  }

  /** Writes what was held back. While the broker is away it is held on to. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      this.#writeAll();
    } catch {
      // Away. Whoever settles the attempt tries again; until then, so do we.
      this.#flushSoon();
    }
  }

  /** A handler that goes on after its attempt is over speaks to nobody. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  #writeAll(): void {
    for (let next = this.#held[0]; next; next = this.#held[0]) {
      this.#write(next);
      this.#held.shift();
    }
    this.#heldSize = 0;
    for (let next = this.#steps[0]; next; next = this.#steps[0]) {
      this.#write({ case: "progress", value: next });
      this.#steps.shift();
    }
  }

  #flushSoon(): void {
    if (this.#disposed) return;
    // A handler that keeps its thread busy lets no timer run.
    if (this.#timer && Date.now() > this.#flushAtMs) this.flush();
    if (this.#timer) return;
    this.#timer = setTimeout(() => this.flush(), FLUSH_MS);
    this.#flushAtMs = Date.now() + FLUSH_MS;
  }

  #addStep(next: Progress): void {
    if (this.#steps.at(-1)?.current === next.current) this.#steps.pop();
    this.#steps = [...this.#steps, next].slice(-MAX_STEPS);
  }

  #logOnce(fault: string, message: string): void {
    if (this.#faults.has(fault)) return;
    this.#faults.add(fault);
    this.log("warn", message);
  }

  #addLine(line: LogLine): void {
    if (this.#hasRoomFor(line.message.length)) this.#push({ case: "log", value: line });
  }

  #push(facet: Facet): void {
    this.#held.push(facet);
    if (this.#held.length % FULL_AT === 0) this.flush();
  }

  /** Asked before anything is held, for it may write what was held before. */
  #hasRoomFor(size: number): boolean {
    if (this.#heldSize + size > MAX_HELD_SIZE) this.flush();
    if (this.#disposed || this.#heldSize + size > MAX_HELD_SIZE) return false;
    this.#heldSize += size;
    return true;
  }

  /** Text that follows text becomes one piece with it, as long as that is not too large. */
  #append(part: string | Uint8Array): void {
    if (!this.#hasRoomFor(part.length)) return;
    const last = this.#held.at(-1);
    const before = last?.case === "output" ? last.value.content : undefined;
    if (typeof part !== "string") {
      this.#pushOutput({ case: "data", value: Uint8Array.from(part) });
    } else if (before?.case === "text" && before.value.length + part.length <= MAX_PIECE) {
      before.value += part;
    } else this.#pushOutput({ case: "text", value: part });
  }

  #pushOutput(content: Content): void {
    const value = create(OutputChunkSchema, { attempt: this.#attempt, content });
    this.#push({ case: "output", value });
  }
}

type Content = { case: "text"; value: string } | { case: "data"; value: Uint8Array<ArrayBuffer> };

/** The piece in parts that fit into a message each. */
function* parts(piece: string | Uint8Array): Generator<string | Uint8Array> {
  for (let from = 0; from < piece.length; ) {
    const to = endOfPart(piece, from);
    yield piece.slice(from, to);
    from = to;
  }
}

/** Never between the two halves of a character. */
function endOfPart(piece: string | Uint8Array, from: number): number {
  const to = from + MAX_PIECE;
  if (typeof piece !== "string" || to >= piece.length) return to;
  const isHigh = (piece.charCodeAt(to - 1) & 0xfc00) === 0xd800;
  return isHigh ? to - 1 : to;
}

function withShortNote(progress: ProgressReport): ProgressReport {
  return progress.note === undefined ? progress : { ...progress, note: trimmed(progress.note) };
}

function trimmed(text: string): string {
  return text.slice(0, MAX_LINE_LENGTH).trimEnd();
}
