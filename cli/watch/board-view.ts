import type { Task, TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { isTerminal } from "#lib/task/life.ts";
import type { TaskTypes } from "../task-types/task-types.ts";
import { joined, painted } from "../terminal/line.ts";
import { LiveArea } from "../terminal/live-area.ts";
import { barLine } from "./bar.ts";
import { NOTHING_YET, type Picture, withEvent } from "./picture.ts";
import { told } from "./told.ts";
import type { View } from "./view.ts";
import { WaitingNote } from "./waiting-note.ts";

const REPAINT_MS = 80;
const NAME_CHARS = 20;
/** Room that is left to what scrolls by. */
const ROWS_ABOVE = 4;

/** A line for each task at the bottom of a terminal; what happens to them flows above, and so do those that have ended. */
export class BoardView implements View {
  readonly #area: LiveArea;
  readonly #types: TaskTypes;
  readonly #repaint: NodeJS.Timeout;
  readonly #rows: () => number;
  readonly #pictures = new Map<string, Picture>();
  readonly #waiting = new Map<string, WaitingNote>();
  /** Tasks whose history runs by: they are over. */
  readonly #over = new Set<string>();

  constructor(stream: NodeJS.WriteStream, types: TaskTypes) {
    this.#types = types;
    this.#area = new LiveArea(stream);
    this.#rows = () => Math.max(1, (stream.rows || 24) - ROWS_ABOVE);
    this.#repaint = setInterval(() => this.#show(), REPAINT_MS);
  }

  snapshot(task: Task): void {
    const { id, state } = task;
    if (isTerminal(state)) this.#over.add(id);
    const waiting = new WaitingNote(this.#types);
    waiting.snapshot(task);
    this.#waiting.set(id, waiting);
  }

  waits(): void {}

  event(event: TaskEvent): void {
    const { taskId } = event;
    const before = this.#pictures.get(taskId) ?? NOTHING_YET;
    const line = told(event, before);
    const picture = withEvent(before, event);
    this.#pictures.set(taskId, picture);
    this.#waiting.get(taskId)?.event(event);
    if (line !== undefined) this.#area.print(joined(`${nameOf(taskId)}  `, line));
  }

  notice(line: string): void {
    this.#area.print([painted("yellow", line)]);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#repaint);
    this.#area.end();
  }

  #show(): void {
    const nowMs = Date.now();
    const live = [...this.#pictures].filter(
      ([taskId, { state }]) => !(isTerminal(state) || this.#over.has(taskId)),
    );
    const room = live.length > this.#rows() ? this.#rows() - 1 : live.length;
    const columns = this.#area.columns - NAME_CHARS - 2;
    const bars = live.slice(0, room).map(([taskId, picture]) => {
      const waits = this.#waiting.get(taskId)?.text ?? "";
      return joined(`${nameOf(taskId)}  `, barLine({ ...picture, waits }, nowMs, columns));
    });
    const hidden = live.length - room;
    this.#area.bars(hidden > 0 ? [...bars, `… and ${hidden} more`] : bars);
  }
}

/** The end of an id tells more than its beginning: ids of the same second begin alike. */
function nameOf(taskId: string): string {
  const short = taskId.length > NAME_CHARS ? `…${taskId.slice(1 - NAME_CHARS)}` : taskId;
  return short.padEnd(NAME_CHARS);
}
