import { create } from "@bufbuild/protobuf";
import {
  type LogLine,
  LogLine_Level,
  LogLineSchema,
  OutputChunkSchema,
  type Progress,
  type TaskEvent,
} from "#gen/millrace/v1/task_pb.ts";
import { aborted } from "#lib/async/abort.ts";
import { callLater, timeoutSignal } from "#lib/async/timers.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import type { LogLevel, ProgressReport } from "#lib/task/task-type.ts";
import { Gap } from "./gap.ts";
import { isPiece, MAX_PIECE, parts } from "./pieces.ts";
import { progressOf } from "./progress-of.ts";
import { shortText } from "./short-text.ts";

type Facet = TaskEvent["facet"];

/** Handlers may speak as often as they like; readers hear of it this often at the most. */
const FLUSH_MS = 100;
/** Reports of different steps that one flush may carry; of more, the newest are kept. */
const MAX_STEPS = 8;
/** What reports may add to an outcome, in bytes; if there is more to them, they have an event of their own. */
const MAX_RIDING_BYTES = 16 * 1024;
/** Of a character. */
const MAX_UTF8_BYTES = 3;
/** So many pieces and lines don't wait. */
const FULL_AT = 64;
/** What is kept for a broker that is away or slow, in UTF-16 units or bytes. More is left out, and a line says so. */
const MAX_HELD_SIZE = 4 * 2 ** 20;
/** What a piece or a line takes besides its text, about. */
const SIZE_OF_NOTE = 200;

const LEVELS: Readonly<Record<LogLevel, LogLine_Level>> = {
  debug: LogLine_Level.DEBUG,
  info: LogLine_Level.INFO,
  warn: LogLine_Level.WARN,
  error: LogLine_Level.ERROR,
};

/** What an attempt says while it runs, on its way to the log: progress throttled, output put together. */
export class AttemptNotes implements Disposable {
  readonly #attempt: number;
  readonly #write: Write;
  /** Output and log lines, in their order. */
  readonly #held: Facet[] = [];
  #heldSize = 0;
  /** The last of what is held, if something is missing there: all that is said until its line is written. */
  #gap: Gap | undefined;
  #sending: Promise<void> | undefined;
  #steps: Progress[] = [];
  #sinceStep = 0;
  /** What was found wrong: a line for each is enough. */
  readonly #faults = new Set<string>();
  /** Whether the attempt is over, and its outcome may carry what it reported last. */
  #isOver = false;
  #timer: Disposable | undefined;
  #flushAtMs = 0;
  #flushedAtMs = Number.NEGATIVE_INFINITY;
  #disposed = false;

  constructor(attempt: number, write: Write) {
    this.#attempt = attempt;
    this.#write = write;
  }

  /** Of one step only the newest report counts; a step that is over before it could be told is told all the same. */
  report(progress: ProgressReport): void {
    const { progress: step, faults } = progressOf(this.#attempt, progress);
    for (const { field, message } of faults) this.#logOnce(field, message);
    if (step) this.#addStep(step);
    this.#flushSoon();
  }

  emit(piece: string | Uint8Array): void {
    if (!isPiece(piece)) {
      const message = `output of type ${typeof piece} is neither a text nor bytes; it is left out (further pieces are not told)`;
      this.#logOnce("piece", message);
      return;
    }
    for (const part of parts(piece)) this.#append(part);
    this.#flushSoon();
  }

  log(level: LogLevel, message: string): void {
    const line = { attempt: this.#attempt, level: levelOf(level), message: shortText(message) };
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
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#flushedAtMs = performance.now();
    while (!this.#tryToWrite());
  }

  /** Says whether there is nothing left to do now. */
  #tryToWrite(): boolean {
    try {
      this.#writeAll();
    } catch (error) {
      // Whoever settles the attempt tries again; until then, so do we.
      if (error instanceof BrokerUnavailable) this.#flushSoon();
      else this.#giveUp(error);
      return error instanceof BrokerUnavailable;
    }
    return true;
  }

  /** What can't be written at all must not hold up all that comes after it. */
  #giveUp(error: unknown): void {
    const next = this.#next();
    if (next) this.#drop(next);
    this.#tellUnwritable(error);
  }

  #tellUnwritable(error: unknown): void {
    this.#logOnce("unwritable", `something that was said here can't be written: ${error}`);
  }

  /** Writes what was held back, for as long. Says whether none of it is under way any more. */
  async sent(withinMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    this.flush();
    return this.#sending === undefined || (await this.#allSent(withinMs));
  }

  /** The attempt is over: what it reported last is not written any more, unless it is large, but left to `takeReports`. */
  keepReports(): void {
    this.#isOver = true;
  }

  /** What is left of the reports, for the outcome to carry. */
  takeReports(): Progress[] {
    return this.#steps.splice(0);
  }

  async #allSent(withinMs: number): Promise<boolean> {
    const signal = timeoutSignal(withinMs);
    const enough = aborted(signal);
    while (this.#sending && !signal.aborted) await Promise.race([this.#sending, enough]);
    return this.#sending === undefined;
  }

  /** Gives up what is held still: a line takes its place. Only the newest progress is kept. */
  leaveOut(): void {
    const left = this.#held.splice(0);
    this.#heldSize = 0;
    for (const { case: kind, value } of left) {
      if (kind === "output") this.#openGap().addOutput(value.content.value ?? "");
      else if (value !== this.#gap?.line) this.#openGap().addLine();
    }
    if (this.#gap) this.#hold({ case: "log", value: this.#gap.line });
    this.#steps = this.#steps.slice(-1);
  }

  /** A handler that goes on after its attempt is over speaks to nobody. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
  }

  /** Whatever has to be waited for goes one by one, for that keeps the order. */
  #writeAll(): void {
    while (!(this.#sending || this.#disposed)) {
      const next = this.#next();
      if (!next) return;
      const sent = this.#write(next, next.case === "progress" ? this.#steps.slice(0, -1) : []);
      this.#drop(next);
      this.#sending = sent
        ?.catch((error) => this.#tellUnwritable(error))
        .then(() => {
          this.#sending = undefined;
          this.flush();
        });
    }
  }

  #next(): Facet | undefined {
    const [held] = this.#held;
    const step = this.#isOver && this.#isLight ? undefined : this.#steps.at(-1);
    // A flood of output must not hide how far the attempt is.
    const isTurn = this.#sinceStep >= FULL_AT || !held;
    return step && isTurn ? { case: "progress", value: step } : held;
  }

  /** Whether the outcome has room for the reports. */
  get #isLight(): boolean {
    const sizes = this.#steps.map(({ note }) => note.length * MAX_UTF8_BYTES + SIZE_OF_NOTE);
    return sizes.reduce((sum, size) => sum + size, 0) <= MAX_RIDING_BYTES;
  }

  #drop(written: Facet): void {
    if (written.case === "progress") {
      this.#steps = [];
      this.#sinceStep = 0;
      return;
    }
    this.#sinceStep += 1;
    this.#held.shift();
    this.#heldSize -= sizeOf(written);
    if (written.value === this.#gap?.line) this.#gap = undefined;
  }

  /** At the end of this turn, with all that is said in it; or, if something was written lately, when its time has passed. */
  #flushSoon(): void {
    if (this.#disposed) return;
    // A handler that keeps its thread busy lets no timer run.
    if (this.#timer && performance.now() > this.#flushAtMs) this.flush();
    if (this.#timer) return;
    const nowMs = performance.now();
    this.#flushAtMs = nowMs + FLUSH_MS;
    const waitMs = Math.max(0, this.#flushedAtMs + FLUSH_MS - nowMs);
    this.#timer = callLater(waitMs, () => this.flush());
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
    if (this.#disposed) return;
    if (this.#hasRoomFor(line.message.length)) this.#push({ case: "log", value: line });
    else this.#gapHere().addLine();
  }

  #push(facet: Facet): void {
    this.#hold(facet);
    if (this.#held.length % FULL_AT === 0) this.flush();
  }

  #hold(facet: Facet): void {
    this.#held.push(facet);
    this.#heldSize += sizeOf(facet);
  }

  /** Asked before anything is held, for it may write what was held before. */
  #hasRoomFor(size: number): boolean {
    if (this.#gap) return false;
    if (this.#heldSize + size > MAX_HELD_SIZE) this.flush();
    return this.#heldSize + size <= MAX_HELD_SIZE;
  }

  #openGap(): Gap {
    this.#gap ??= new Gap(this.#attempt);
    return this.#gap;
  }

  #gapHere(): Gap {
    if (!this.#gap) this.#hold({ case: "log", value: this.#openGap().line });
    return this.#openGap();
  }

  /** Text that follows text becomes one piece with it, as long as that is not too large. */
  #append(part: string | Uint8Array): void {
    if (this.#disposed) return;
    if (!this.#hasRoomFor(part.length)) {
      this.#gapHere().addOutput(part);
      return;
    }
    const last = this.#held.at(-1);
    const before = last?.case === "output" ? last.value.content : undefined;
    if (typeof part !== "string") {
      this.#pushOutput({ case: "data", value: Uint8Array.from(part) });
    } else if (before?.case === "text" && before.value.length + part.length <= MAX_PIECE) {
      before.value += part;
      this.#heldSize += part.length;
    } else this.#pushOutput({ case: "text", value: part });
  }

  #pushOutput(content: Content): void {
    const value = create(OutputChunkSchema, { attempt: this.#attempt, content });
    this.#push({ case: "output", value });
  }
}

/**
 * Hands something over to the log, progress with the steps before it, and throws while the broker is away. Gives a promise
 * where the next thing has to wait for this one to be stored.
 */
type Write = (facet: Facet, steps: Progress[]) => Promise<void> | undefined;

function sizeOf({ case: kind, value }: Facet): number {
  if (kind === "output") return (value.content.value?.length ?? 0) + SIZE_OF_NOTE;
  return kind === "log" ? value.message.length + SIZE_OF_NOTE : 0;
}

function levelOf(level: LogLevel): LogLine_Level {
  return Object.hasOwn(LEVELS, level) ? LEVELS[level] : LogLine_Level.INFO;
}

type Content = { case: "text"; value: string } | { case: "data"; value: Uint8Array<ArrayBuffer> };
