import { durationMs } from "@bufbuild/protobuf/wkt";
import type { TaskSpec } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Delivery } from "#lib/broker/delivery.ts";
import type { Log } from "#lib/process/log.ts";
import { finishAttempt } from "#lib/task/next-state.ts";
import { AttemptStopped } from "#lib/task/outcome.ts";
import { overridden } from "#lib/task/retry.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { attemptTimeoutMsOf, retryPolicyOf } from "./announced-type.ts";
import { AttemptNotes } from "./attempt-notes.ts";
import { type BeginOptions, type Begun, beginAttempt, readWaiting } from "./begin-attempt.ts";
import { Lease } from "./lease.ts";
import { offerLater } from "./offer-later.ts";
import { perform } from "./perform.ts";
import type { RunningAttempt, RunningAttempts } from "./running-attempts.ts";
import { settle } from "./settle.ts";

export interface AttemptOptions extends BeginOptions {
  /** The task types that this worker has handlers for, by name. */
  readonly types: ReadonlyMap<string, TaskTypeDefinition>;
  readonly running: RunningAttempts;
  readonly log: Log;
}

/** The whole way of a delivery: begin, run the handler, settle. */
export async function runAttempt(delivery: Delivery, options: AttemptOptions): Promise<void> {
  const { broker, running } = options;
  const before = running.find(delivery.taskId);
  // Nothing may be awaited here otherwise: until it is added, the slot counts as free.
  if (before && (await renewed(before, delivery, broker))) return;
  const stops = new AbortController();
  const lease = new Lease(delivery);
  const held: RunningAttempt = {
    taskId: delivery.taskId,
    lease,
    number: 0,
    fence: undefined,
    stop: (reason) => stops.abort(reason),
  };
  using _ = running.add(held);
  const waiting = delivery.waiting ?? (await readWaiting(delivery.taskId, broker));
  if (!waiting) return lease.done();
  const type = typeOf(waiting.spec, options);
  if (!type) return offerLater(lease, delivery.taskId, options);
  const begun = await beginAttempt(lease, waiting, options);
  if (!begun) return;
  held.number = begun.running.attempt;
  held.fence = begun.fence;
  await tellOlderAttempts(broker, begun);
  await work({ lease, type, begun, stops }, options);
}

/**
 * Whether we have the task still, and so have only been given a new delivery of it: after an outage of the broker, or
 * when our beats came late. An attempt that the task has gone on without is stopped instead.
 */
async function renewed(held: RunningAttempt, delivery: Delivery, broker: Broker): Promise<boolean> {
  const standing = held.fence && (await broker.log.read(delivery.taskId));
  const isNewest = standing?.fence.stateSequence === held.fence?.stateSequence;
  if (isNewest) held.lease.renew(delivery);
  else held.stop(new AttemptStopped("canceled", "the task went on without this attempt"));
  return isNewest;
}

interface Working {
  readonly lease: Lease;
  readonly type: TaskTypeDefinition;
  readonly begun: Begun;
  readonly stops: AbortController;
}

async function work(working: Working, options: AttemptOptions): Promise<void> {
  const { lease, type, begun, stops } = working;
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

  const policy = overridden(retryPolicyOf(type), waiting.spec?.retryPolicy);
  const change =
    outcome.kind === "canceled"
      ? undefined
      : finishAttempt(running, outcome, { policy, nowMs: Date.now() });
  const written = await settle({ broker, lease, begun, notes }, change);
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
async function tellOlderAttempts(broker: Broker, { running, fence }: Begun): Promise<void> {
  if (running.attempt === 1) return;
  // Only a hint: the log refuses what they write.
  await broker.cancels.tell({ taskId: fence.taskId, newest: running.attempt }).catch(() => {});
}
