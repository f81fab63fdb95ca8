import type { Registry } from "@bufbuild/protobuf";
import {
  type Task,
  type TaskEvent,
  TaskEventSchema,
  type WaitingReason,
} from "#gen/millrace/v1/task_pb.ts";
import { toldAsJson } from "#lib/rpc/told-as-json.ts";
import { isTerminal, isTerminalEvent } from "#lib/task/life.ts";
import { printJson, tell } from "../terminal/output.ts";
import type { View } from "./view.ts";
import { WaitingNote } from "./waiting-note.ts";

interface JsonViewOptions {
  readonly registry: Registry;
  /** Of several tasks, each is named by what is told of it. */
  readonly many?: boolean;
}

/** One line of protobuf JSON per event, and nothing else on stdout: why a task waits is no event. */
export class JsonView implements View {
  readonly #options: JsonViewOptions;
  readonly #waiting = new Map<string, WaitingNote>();

  constructor(options: JsonViewOptions) {
    this.#options = options;
  }

  snapshot(task: Task): void {
    if (isTerminal(task.state)) return;
    const note = this.#waiting.get(task.id) ?? new WaitingNote();
    if (note.snapshot(task)) this.#tell(task.id, note);
    this.#waiting.set(task.id, note);
  }

  waits(reason: WaitingReason | undefined): void {
    for (const [taskId, note] of this.#waiting) if (note.told(reason)) this.#tell(taskId, note);
  }

  event(event: TaskEvent): void {
    const isNews = this.#waiting.get(event.taskId)?.event(event);
    if (isNews && isTerminalEvent(event)) this.#waiting.delete(event.taskId);
    printJson(toldAsJson(TaskEventSchema, event, this.#options));
  }

  notice(line: string): void {
    tell(line);
  }

  [Symbol.dispose](): void {}

  #tell(taskId: string, { text }: WaitingNote): void {
    tell(this.#options.many ? `${taskId} waits: ${text}` : `waits: ${text}`);
  }
}
