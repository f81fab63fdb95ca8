import { AsyncLocalStorage } from "node:async_hooks";
import { onAbort } from "#lib/async/abort.ts";

/** An attempt, as the owner of whatever its handler begins: promises, timers, sockets. */
export interface Owner {
  readonly taskId: string;
  readonly attempt: number;
  /** Full name of the task type. */
  readonly taskType: string;
  /** Called with an error that nobody awaits: the handler's own, even if it has ended. */
  readonly onStray: (error: unknown) => void;
}

const owners = new AsyncLocalStorage<Owner>();

/**
 * Calls the handler, with a signal that aborts when the given one does. What fails of all that it begins is known to be its
 * own, however late that is, and so is what fails of those that listen to its signal: whoever stops an attempt is not its
 * owner.
 */
export function asOwner<T>(
  owner: Owner,
  stop: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return owners.run(owner, () => {
    const own = new AbortController();
    onAbort(stop, () => owners.run(owner, () => own.abort(stop.reason)));
    return call(own.signal);
  });
}

/**
 * Hears of rejections that nobody awaits, and of what timers and the like throw. Those of a handler are told its attempt:
 * by themselves they would end the process, and every other attempt in it. All else is a bug of ours, and is left to
 * `onBug`, which must end the process.
 */
export function hearStrays(onBug: (error: unknown) => void): Disposable {
  const hear = (error: unknown) => {
    const owner = owners.getStore();
    if (owner) owner.onStray(error);
    else onBug(error);
  };
  process.on("unhandledRejection", hear).on("uncaughtException", hear);
  return {
    [Symbol.dispose]() {
      process.off("unhandledRejection", hear).off("uncaughtException", hear);
    },
  };
}
