import type { OutputChunk, Task, TaskEvent, WaitingReason } from "#gen/millrace/v1/task_pb.ts";
import { isTerminal, isTerminalEvent } from "#lib/task/life.ts";
import type { TaskTypes } from "../task-types/task-types.ts";
import { painted } from "../terminal/line.ts";
import { LiveArea } from "../terminal/live-area.ts";
import { barLine } from "./bar.ts";
import { NOTHING_YET, type Picture, withEvent } from "./picture.ts";
import { told } from "./told.ts";
import type { View } from "./view.ts";
import { WaitingNote } from "./waiting-note.ts";

const REPAINT_MS = 80;

/** A bar at the bottom of a terminal; partial output, retries and log lines flow above it. */
export class LiveView implements View {
  readonly #area: LiveArea;
  readonly #repaint: NodeJS.Timeout;
  readonly #waiting: WaitingNote;
  #picture: Picture = NOTHING_YET;
  #outputAttempt = 0;
  #ended = false;
  /** The task is over: what comes is its history. */
  #over = false;

  constructor(stream: NodeJS.WriteStream, types: TaskTypes) {
    this.#waiting = new WaitingNote(types);
    this.#area = new LiveArea(stream);
    this.#repaint = setInterval(() => this.#showBar(), REPAINT_MS);
  }

  snapshot(task: Task): void {
    const { state } = task;
    this.#waiting.snapshot(task);
    // Of a task that is over, the history runs by; a bar would only flicker.
    this.#over = isTerminal(state);
    if (this.#over) this.#ended = true;
  }

  event(event: TaskEvent): void {
    const line = told(event, this.#picture);
    this.#picture = withEvent(this.#picture, event);
    this.#waiting.event(event);
    // A task may be started again after its end.
    if (event.facet.case === "state") this.#setEnded(isTerminalEvent(event));
    if (event.facet.case === "output") this.#grow(event.facet.value);
    if (line !== undefined) this.#area.print(line);
    this.#showBar();
  }

  waits(reason: WaitingReason | undefined): void {
    this.#waiting.told(reason);
  }

  notice(line: string): void {
    this.#area.print([painted("yellow", line)]);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#repaint);
    this.#setEnded(true);
  }

  #grow({ attempt, content }: OutputChunk): void {
    if (attempt > this.#outputAttempt && this.#outputAttempt > 0) {
      this.#area.print([painted("dim", `— attempt ${attempt} starts its output afresh —`)]);
    }
    this.#outputAttempt = attempt;
    if (content.case === "text") this.#area.grow(content.value);
  }

  #showBar(): void {
    if (this.#ended) return;
    const shown = { ...this.#picture, waits: this.#waiting.text };
    this.#area.bar(barLine(shown, Date.now(), this.#area.columns));
  }

  #setEnded(ended: boolean): void {
    this.#ended = ended || this.#over;
    if (ended) this.#area.end();
  }
}
