import { create } from "@bufbuild/protobuf";
import {
  LogLine_Level,
  LogLineSchema,
  OutputChunkSchema,
  ProgressSchema,
  type TaskEvent,
} from "#gen/millrace/v1/task_pb.ts";
import { BrokerAway } from "#lib/task/errors.ts";
import type { LogLevel, ProgressReport } from "#lib/task/task-type.ts";

type Facet = TaskEvent["facet"];

/** Handlers may report as often as they like; readers get at most this many milliseconds of it at a time. */
const FLUSH_MS = 100;
/** A piece of output this large does not wait. */
const MAX_PIECE_BYTES = 16 * 1024;
const MAX_LINE_LENGTH = 4_000;

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
  #progress: ProgressReport | undefined;
  #output: (string | Uint8Array)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(attempt: number, write: (facet: Facet) => void) {
    this.#attempt = attempt;
    this.#write = write;
  }

  report(progress: ProgressReport): void {
    this.#progress = progress;
    this.#flushSoon();
  }

  emit(piece: string | Uint8Array): void {
    if (piece.length === 0) return;
    this.#output.push(piece);
    const bytes = this.#output.reduce((sum, { length }) => sum + length, 0);
    if (bytes >= MAX_PIECE_BYTES) this.flush();
    else this.#flushSoon();
  }

  log(level: LogLevel, message: string): void {
    const line = { attempt: this.#attempt, level: LEVELS[level], message: trimmed(message) };
    this.#try({ case: "log", value: create(LogLineSchema, line) });
  }

  /** Writes what was held back. While the broker is away it is held on to. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#output.length > 0 && this.#tryOutput()) this.#output = [];
    if (this.#progress && this.#tryProgress(this.#progress)) this.#progress = undefined;
    if (this.#output.length > 0 || this.#progress) this.#flushSoon();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #flushSoon(): void {
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  #tryOutput(): boolean {
    return pieces(this.#output).every((content) =>
      this.#try({
        case: "output",
        value: create(OutputChunkSchema, { attempt: this.#attempt, content }),
      }),
    );
  }

  #tryProgress({ fraction, current, total, note }: ProgressReport): boolean {
    const value = create(ProgressSchema, {
      attempt: this.#attempt,
      ...(fraction !== undefined && { fraction: Math.min(1, Math.max(0, fraction)) }),
      ...(current !== undefined && { current: BigInt(Math.trunc(current)) }),
      ...(total !== undefined && { total: BigInt(Math.trunc(total)) }),
      ...(note !== undefined && { note: trimmed(note) }),
    });
    return this.#try({ case: "progress", value });
  }

  #try(facet: Facet): boolean {
    try {
      this.#write(facet);
      return true;
    } catch (error) {
      if (error instanceof BrokerAway) return false;
      throw error;
    }
  }
}

type Content = { case: "text"; value: string } | { case: "data"; value: Uint8Array<ArrayBuffer> };

/** Neighbors of the same kind become one piece. */
function pieces(output: readonly (string | Uint8Array)[]): Content[] {
  const joined: Content[] = [];
  for (const piece of output) {
    const last = joined.at(-1);
    if (typeof piece !== "string") joined.push({ case: "data", value: Uint8Array.from(piece) });
    else if (last?.case === "text") last.value += piece;
    else joined.push({ case: "text", value: piece });
  }
  return joined;
}

function trimmed(text: string): string {
  return text.slice(0, MAX_LINE_LENGTH).trimEnd();
}
