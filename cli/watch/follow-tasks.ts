import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { ExitCode, exitCodeOf } from "#cli/exit-code.ts";
import type { Tasks } from "#cli/gateway/at-gateway.ts";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import type { TaskFailure, TaskUpdate } from "#gen/millrace/v1/task_service_pb.ts";
import { Patience } from "./patience.ts";
import { ToldTask } from "./told-tasks.ts";
import type { View } from "./view.ts";

/** Tasks that one request may list. */
const MAX_LISTED = 1_000;

export interface FollowingMany {
  readonly taskIds: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly view: View;
  readonly signal: AbortSignal;
}

/**
 * Watches until all listed tasks have ended, and says how the first of them ended that did not succeed; a watch by labels
 * goes on. Undefined when the signal came first. A stream that breaks is taken up again, each task where it was.
 */
export async function followTasks(
  tasks: Tasks,
  following: FollowingMany,
): Promise<ExitCode | undefined> {
  const watch = new ManyWatch(tasks, following);
  while (!following.signal.aborted) {
    const exitCode = await watch.untilBroken();
    if (exitCode !== undefined) return exitCode;
  }
  return undefined;
}

class ManyWatch {
  readonly #tasks: Tasks;
  readonly #following: FollowingMany;
  readonly #told: Map<string, ToldTask>;
  readonly #failed = new Map<string, ExitCode>();
  readonly #patience: Patience;

  constructor(tasks: Tasks, following: FollowingMany) {
    this.#tasks = tasks;
    this.#following = following;
    this.#told = new Map(following.taskIds.map((taskId) => [taskId, new ToldTask(0n)]));
    this.#patience = new Patience((line) => following.view.notice(line));
  }

  /** Undefined when the stream broke before all had ended. */
  async untilBroken(): Promise<ExitCode | undefined> {
    const { signal } = this.#following;
    try {
      if (await this.#oneStream()) return undefined;
      if (this.#open().length === 0) return this.#exitCode();
    } catch (error) {
      if (!signal.aborted) this.#patience.forgive(error);
    }
    if (!signal.aborted) await this.#patience.wait(signal);
    return undefined;
  }

  /** True when a task has to be asked for again, for its events came too fast. */
  async #oneStream(): Promise<boolean> {
    const { labels, signal } = this.#following;
    const request = { tasks: this.#open().slice(0, MAX_LISTED), labels };
    for await (const { kind } of this.#tasks.watchTasks(request, { signal })) {
      this.#patience.heard("");
      if (kind.case === "update") this.#take(kind.value.kind);
      if (kind.case === "failure" && this.#isToBeResumed(kind.value)) return true;
    }
    return false;
  }

  #open() {
    return [...this.#told].flatMap(([taskId, told]) =>
      told.isOver || this.#failed.has(taskId) ? [] : [told.wanted(taskId)],
    );
  }

  #take(kind: TaskUpdate["kind"]): void {
    const { view } = this.#following;
    if (kind.case === "snapshot") {
      this.#of(kind.value.id).snapshot(kind.value);
      view.snapshot(kind.value);
    } else if (kind.case === "event") {
      const { taskId } = kind.value;
      const told = this.#of(taskId);
      if (told.event(kind.value)) view.event(kind.value);
      this.#forget(taskId, told);
    }
  }

  #of(taskId: string): ToldTask {
    const told = this.#told.get(taskId) ?? new ToldTask(0n);
    this.#told.set(taskId, told);
    return told;
  }

  /** A watch by labels may go on for months. */
  #forget(taskId: string, { isOver }: ToldTask): void {
    if (isOver && !this.#isListed(taskId)) this.#told.delete(taskId);
  }

  #isListed(taskId: string): boolean {
    return this.#following.taskIds.includes(taskId);
  }

  #isToBeResumed({ taskId, error }: TaskFailure): boolean {
    const infos = error?.details.flatMap((detail) => anyUnpack(detail, ErrorInfoSchema) ?? []);
    const [info] = infos ?? [];
    if (info && Object.hasOwn(info.metadata, "resume_after_sequence")) return true;
    const isMissing = error?.code === Code.NotFound;
    if (!this.#isListed(taskId)) this.#told.delete(taskId);
    else this.#failed.set(taskId, isMissing ? ExitCode.NOT_FOUND : ExitCode.UNAVAILABLE);
    this.#following.view.notice(`error: ${error?.message ?? `${taskId} can't be watched`}`);
    return false;
  }

  #exitCode(): ExitCode {
    const codes = [...this.#told].map(
      ([taskId, { state }]) => this.#failed.get(taskId) ?? exitCodeOf(state),
    );
    return codes.find((code) => code !== ExitCode.SUCCEEDED) ?? ExitCode.SUCCEEDED;
  }
}
