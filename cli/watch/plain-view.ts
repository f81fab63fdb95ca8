import type { Progress, Task, TaskEvent, WaitingReason } from "#gen/millrace/v1/task_pb.ts";
import { reportsOf } from "#lib/task/fold.ts";
import type { Line } from "../terminal/line.ts";
import { percent } from "./bar.ts";
import { NOTHING_YET, type Picture, withEvent } from "./picture.ts";
import { told } from "./told.ts";
import type { View } from "./view.ts";
import { WaitingNote } from "./waiting-note.ts";

/** Lines for a log: each step once, without partial output. */
export class PlainView implements View {
  readonly #print: (line: Line) => void;
  readonly #waiting = new WaitingNote();
  #picture: Picture = NOTHING_YET;
  #note = "";

  constructor(print: (line: Line) => void) {
    this.#print = print;
  }

  snapshot(task: Task): void {
    if (this.#waiting.snapshot(task)) this.#printReason();
  }

  event(event: TaskEvent): void {
    const line = told(event, this.#picture);
    this.#waiting.event(event);
    for (const report of reportsOf(event)) this.#step(report);
    if (line !== undefined) this.#print(line);
    this.#picture = withEvent(this.#picture, event);
  }

  waits(reason: WaitingReason | undefined): void {
    if (this.#waiting.told(reason)) this.#printReason();
  }

  notice(line: string): void {
    this.#print(line);
  }

  [Symbol.dispose](): void {}

  #printReason(): void {
    this.#print(`waits: ${this.#waiting.text}`);
  }

  #step({ fraction, note }: Progress): void {
    if (note === this.#note) return;
    this.#note = note;
    const share = fraction === undefined ? "" : `${percent(fraction)}  `;
    this.#print(`${share}${note}`);
  }
}
