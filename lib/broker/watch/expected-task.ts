import type { Task } from "#gen/millrace/v1/task_pb.ts";
import { callLater } from "#lib/async/timers.ts";
import { fold } from "#lib/task/fold.ts";
import type { Fence } from "../log/task-log.ts";
import { Watcher } from "./watcher.ts";

/** What was stored is heard of within a few milliseconds, unless we are about to find out that the broker is away. */
const PATIENCE_MS = 250;

/**
 * A task that is about to be submitted. All that is written of it from now on is heard here, so that nothing need be read
 * back to know when its spec was stored, or to watch it from there on.
 */
export class ExpectedTask implements Disposable {
  readonly watcher = new Watcher();
  readonly #registered: Disposable;

  constructor(register: (watcher: Watcher) => Disposable) {
    this.watcher.isEarly = true;
    this.#registered = register(this.watcher);
  }

  /** The task as its spec alone says; undefined if it is not heard of in time, and the log is to be asked. */
  async justBegun({ specSequence }: Fence): Promise<Task | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    using _ = callLater(PATIENCE_MS, () => resolve(undefined));
    const event = await Promise.race([this.watcher.pushed(BigInt(specSequence)), late]);
    return event && fold([event]);
  }

  [Symbol.dispose](): void {
    this.#registered[Symbol.dispose]();
    this.watcher[Symbol.dispose]();
  }
}
