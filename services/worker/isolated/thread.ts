import { once } from "node:events";
import { BroadcastChannel, type MessagePort, workerData } from "node:worker_threads";
import { endOfError } from "#lib/task/outcome.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { handle } from "../handle.ts";
import { fromCopyable } from "../handler-settings.ts";
import { loadTaskTypes } from "../load-task-types.ts";
import { asOwner, hearStrays } from "../strays.ts";
import { LeftTimers } from "./left-timers.ts";
import {
  type FromThread,
  STRAYS,
  type StrayError,
  type ThreadAttempt,
  type ThreadData,
} from "./messages.ts";
import { ThreadContext } from "./thread-context.ts";

/** What an attempt has left behind may fail when the thread has another one; it must not end that. */
const strays = new BroadcastChannel(STRAYS);

hearStrays((error) => {
  throw error;
});

let types: readonly TaskTypeDefinition[] | undefined;

/** Loads what every attempt needs; called by the pool, to see whether a thread can be started. */
export async function getReady(): Promise<void> {
  await loadTypes();
}

/** Loads what every attempt needs, says so, and waits until the port closes; called by the pool. */
export async function hold(port: MessagePort): Promise<void> {
  // Heard from the start, for it may close while the task types are loaded.
  const closed = once(port, "close");
  await loadTypes();
  port.postMessage("ready");
  await closed;
}

/** Waits for the call of an attempt, and runs it; called by the pool. Returns early when there is no attempt after all. */
export async function attempt(given: ThreadAttempt): Promise<void> {
  const { typeName, input, port } = given;
  const loaded = await loadTypes();
  port.postMessage({ kind: "ready" } satisfies FromThread);
  const type = loaded.find((each) => each.input.typeName === typeName);
  if (!type) throw new Error(`the module of the task types has none for ${typeName}`);
  using context = await called(given);
  if (!context) return;
  let isOver = false;
  const { taskId, number, signal: stop } = context.attempt;
  const who = { taskId, attempt: number, taskType: typeName };
  const onStray = (error: unknown) => {
    // The thread ends, and the attempt with it.
    if (!isOver) throw error;
    strays.postMessage({ ...who, end: endOfError(error) } satisfies StrayError);
  };
  const left = new LeftTimers();
  const end = await asOwner({ ...who, onStray }, stop, (signal) =>
    handle(type, input, { ...context.attempt, signal }),
  );
  isOver = true;
  await context.leave(end, left);
}

/** What can't be loaded ends the thread: Node remembers a module that has failed, and here it would fail for ever. */
async function loadTypes(): Promise<readonly TaskTypeDefinition[]> {
  const { module, settings }: ThreadData = workerData;
  try {
    types ??= await loadTaskTypes(module, fromCopyable(settings));
    return types;
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
    return new Promise(() => {});
  }
}

/** What the handler is called with; undefined when the port closes instead. */
function called({ port, heard }: ThreadAttempt): Promise<ThreadContext | undefined> {
  const { promise, resolve } = Promise.withResolvers<ThreadContext | undefined>();
  // Made at once, for a stop may come right behind the call.
  port.once("message", (call) => resolve(new ThreadContext({ port, heard }, call)));
  port.once("close", () => resolve(undefined));
  return promise;
}
