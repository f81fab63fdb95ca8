import { durationMs } from "@bufbuild/protobuf/wkt";
import type { TaskSpec } from "#gen/millrace/v1/task_pb.ts";
import type { Delivery } from "#lib/broker/delivery.ts";
import type { Log } from "#lib/process/log.ts";
import { finishAttempt } from "#lib/task/next-state.ts";
import { AttemptStopped } from "#lib/task/outcome.ts";
import { overridden } from "#lib/task/retry.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { attemptTimeoutMsOf, retryPolicyOf } from "./announced-type.ts";
import { AttemptNotes } from "./attempt-notes.ts";
import { type BeginOptions, type Begun, beginAttempt, readWaiting } from "./begin-attempt.ts";
import { perform } from "./perform.ts";
import type { RunningAttempts } from "./running-attempts.ts";
import { settle } from "./settle.ts";

export interface AttemptOptions extends BeginOptions {
  /** The task types that this worker has handlers for, by name. */
  readonly types: ReadonlyMap<string, TaskTypeDefinition>;
  readonly running: RunningAttempts;
  readonly log: Log;
}

/** Another worker may have a handler for what we can't run; until one does, it is not worth asking more often. */
const NOT_OURS_MS = 1_000;

/** The whole way of a delivery: begin, run the handler, settle. */
export async function runAttempt(delivery: Delivery, options: AttemptOptions): Promise<void> {
  const stops = new AbortController();
  const held = {
    taskId: delivery.taskId,
    number: 0,
    extend: () => delivery.extend(),
    stop: (reason: AttemptStopped) => stops.abort(reason),
  };
  using _ = options.running.add(held);
  const waiting = delivery.waiting ?? (await readWaiting(delivery.taskId, options.broker));
  if (!waiting) return delivery.done();
  const type = typeOf(waiting.spec, options);
  if (!type) return delivery.putBack(NOT_OURS_MS);
  const begun = await beginAttempt(delivery, waiting, options);
  if (!begun) return;
  held.number = begun.running.attempt;
  tellOlderAttempts(begun, options);
  await work({ delivery, type, begun, stops }, options);
}

interface Working {
  readonly delivery: Delivery;
  readonly type: TaskTypeDefinition;
  readonly begun: Begun;
  readonly stops: AbortController;
}

async function work(working: Working, options: AttemptOptions): Promise<void> {
  const { delivery, type, begun, stops } = working;
  const { broker } = options;
  const { running, waiting, fence } = begun;
  const log = options.log.child({ taskId: fence.taskId, attempt: running.attempt });
  using notes = new AttemptNotes(running.attempt, (facet) => broker.log.note(fence, facet));
  using _ = timeLimit(limitMsOf(waiting.spec, type), stops);
  log.debug({ type: type.alias }, "attempt starts");

  const outcome = await perform(type, waiting.spec?.input, {
    taskId: fence.taskId,
    number: running.attempt,
    idempotencyKey: `${fence.taskId}/${running.attempt}`,
    signal: stops.signal,
    report: (progress) => notes.report(progress),
    emit: (piece) => notes.emit(piece),
    log: (level, message) => notes.log(level, message),
  });
  notes.flush();

  const policy = overridden(retryPolicyOf(type), waiting.spec?.retryPolicy);
  const change =
    outcome.kind === "canceled"
      ? undefined
      : finishAttempt(running, outcome, { policy, nowMs: Date.now() });
  const written = await settle(broker, delivery, begun, change);
  log.info({ type: type.alias, outcome: outcome.kind, written }, "attempt ended");
}

function typeOf(
  spec: TaskSpec | undefined,
  { types }: AttemptOptions,
): TaskTypeDefinition | undefined {
  return types.get(spec?.input?.typeUrl.split("/").at(-1) ?? "");
}

function limitMsOf(spec: TaskSpec | undefined, type: TaskTypeDefinition): number {
  return spec?.attemptTimeout ? durationMs(spec.attemptTimeout) : attemptTimeoutMsOf(type);
}

function timeLimit(limitMs: number, stops: AbortController): Disposable {
  const message = `the attempt took longer than ${limitMs} ms`;
  const timer = setTimeout(() => stops.abort(new AttemptStopped("timed out", message)), limitMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** The worker that we took the task over from may live, and work for nothing. */
function tellOlderAttempts({ running, fence }: Begun, { broker }: AttemptOptions): void {
  if (running.attempt === 1 || !broker.link.isUp) return;
  broker.cancels.tell({ taskId: fence.taskId, newest: running.attempt });
}
