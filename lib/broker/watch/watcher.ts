import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { TaskNotFound, WatcherTooSlow } from "#lib/task/errors.ts";
import { isDeletion, isTerminalEvent } from "#lib/task/life.ts";

/** Events that a watcher may be behind, not counting progress that a newer one has replaced. */
export const MAX_BEHIND = 1_024;

/** A watcher that is this close reads every step of the progress. */
const CLOSE = 32;

/** Whether progress takes the place of progress that nobody has read yet. */
function replaces({ facet }: TaskEvent, unread: readonly TaskEvent[]): boolean {
  const newest = unread.at(-1);
  if (facet.case !== "progress" || newest?.facet.case !== "progress") return false;
  if (unread.length > CLOSE) return true;
  return newest.reports.length === 0 && facet.value.current === newest.facet.value.current;
}

function max(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

/**
 * What happened to one task and was not yet read by its watcher. Of progress only the newest is kept; nothing else is
 * ever dropped, and a watcher that is too far behind is closed instead.
 */
export class Watcher implements Disposable {
  /** Whether its task is yet to be written. */
  isEarly = false;
  /** Whether the task was not there when somebody looked meanwhile. */
  wasMissing = false;
  readonly #unread: TaskEvent[] = [];
  readonly #maxBehind: () => number;
  #lastRead = 0n;
  #wake: (() => void) | undefined;
  #failure: (() => Error) | undefined;
  /** What it ends with once all is read. */
  #end: Error | undefined;
  #specSequence: bigint | undefined;
  /** Sequence of the last state change that is known of its task, or of its spec. */
  #stateSequence = 0n;
  #left = false;
  /** Who waits for a single event. */
  #awaited:
    | { readonly sequence: bigint; readonly resolve: (event: TaskEvent | undefined) => void }
    | undefined;

  /** Events that it may be behind, asked for whenever one comes: watchers may share what is allowed. */
  constructor(maxBehind: () => number = () => MAX_BEHIND) {
    this.#maxBehind = maxBehind;
  }

  /** Whether nobody reads it any more. */
  get left(): boolean {
    return this.#left;
  }

  /**
   * Its task is the one with this spec, and was this far: what is older than its spec is of a task that had the id before.
   */
  isOf(specSequence: bigint, stateSequence = 0n): void {
    this.#specSequence = specSequence;
    this.#stateSequence = max(specSequence, stateSequence);
    this.skipTo(specSequence - 1n);
    for (const [at, event] of this.#unread.entries()) {
      if (this.#saysGone(event)) {
        this.#unread.splice(at);
        this.endWith(new TaskNotFound(event.taskId));
      } else this.#noteState(event);
    }
  }

  /** Sequence of its task's spec; undefined: not known yet. */
  get specSequence(): bigint | undefined {
    return this.#specSequence;
  }

  push(event: TaskEvent): void {
    if (this.#failure || this.#end) return;
    const isNew = event.sequence > this.#lastRead;
    if (isNew && this.#saysGone(event)) {
      this.endWith(new TaskNotFound(event.taskId));
      return;
    }
    this.#noteState(event);
    if (isNew) this.#buffer(event);
  }

  #buffer(event: TaskEvent): void {
    if (replaces(event, this.#unread)) this.#unread.pop();
    if (this.#unread.length >= this.#maxBehind())
      this.#fail(() => new WatcherTooSlow(this.#lastRead));
    else this.#unread.push(event);
    if (this.#awaited && event.sequence >= this.#awaited.sequence) this.#tellAwaited(event);
    this.#wake?.();
  }

  /** Ends the watch with the error. */
  fail(error: Error): void {
    this.#fail(() => error);
  }

  /** Ends the watch with the error, unless what is unread ends it before. */
  endWith(error: Error): void {
    this.#end ??= error;
    this.#tellAwaited(undefined);
    this.#wake?.();
  }

  /** Ends the watch: its reader leaves. */
  [Symbol.dispose](): void {
    this.#left = true;
    this.#tellAwaited(undefined);
    this.#wake?.();
  }

  /** Whether the event, or a later one, has been pushed and not been read. */
  has(sequence: bigint): boolean {
    return this.#unread.some((event) => event.sequence >= sequence);
  }

  /** Whether an end has been pushed and not been read. */
  get hasEnd(): boolean {
    return this.#unread.some(isTerminalEvent);
  }

  /** The event of the sequence, once it has been pushed; undefined if it never will be. Not while its events are read. */
  pushed(sequence: bigint): Promise<TaskEvent | undefined> {
    const later = this.#unread.find((event) => event.sequence >= sequence);
    if (later) return Promise.resolve(later.sequence === sequence ? later : undefined);
    if (this.#left || this.#failure || this.#end) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#awaited = { sequence, resolve };
    });
  }

  /** The caller has read up to here by other means; what is not later is not handed out again. */
  skipTo(sequence: bigint): void {
    if (sequence > this.#lastRead) this.#lastRead = sequence;
    while (this.#unread[0] && this.#unread[0].sequence <= this.#lastRead) this.#unread.shift();
  }

  /** The next of what was pushed, in order, each once; undefined once its reader has left. */
  async next(): Promise<TaskEvent | undefined> {
    while (!this.#left) {
      if (this.#failure) throw this.#failure();
      const event = this.#unread.shift();
      if (!event && this.#end) throw this.#end;
      if (!event) await this.#pushed();
      else if (event.sequence > this.#lastRead) {
        this.#lastRead = event.sequence;
        return event;
      }
    }
    return undefined;
  }

  /** What to say is decided when it is said: until then, its reader may get on by other means. */
  #fail(why: () => Error): void {
    this.#failure ??= why;
    this.#unread.length = 0;
    this.#tellAwaited(undefined);
    this.#wake?.();
  }

  /**
   * Whether it says that the task is gone: its deletion; the spec of another one that has got the id; or, where that was
   * removed before we heard of it, a state change of a run that began with no event of ours. Not said before it is known
   * whose events these are: until then they may be of the task before.
   */
  #saysGone(event: TaskEvent): boolean {
    if (this.#specSequence === undefined) return false;
    const { facet, sequence } = event;
    if (facet.case === "spec") return sequence > this.#specSequence;
    if (facet.case !== "state") return false;
    return isDeletion(event) || facet.value.epoch > this.#stateSequence;
  }

  #noteState({ facet, sequence }: TaskEvent): void {
    if (facet.case === "state") this.#stateSequence = max(this.#stateSequence, sequence);
  }

  #tellAwaited(event: TaskEvent | undefined): void {
    const { sequence, resolve } = this.#awaited ?? {};
    this.#awaited = undefined;
    resolve?.(event?.sequence === sequence ? event : undefined);
  }

  #pushed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
