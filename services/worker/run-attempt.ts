import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { timestampMs, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { StateChange, TaskSpec } from "#gen/millrace/v1/task_pb.ts";
import type { WaitingTask } from "#gen/millrace/v1/waiting_task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import { fenceOf } from "#lib/broker/queues/waiting.ts";
import type { Log } from "#lib/process/log.ts";
import { attemptLimits } from "#lib/task/attempt-limits.ts";
import { type FinishConditions, failAttempt, finishAttempt } from "#lib/task/next-state.ts";
import { AttemptStopped, type Outcome, type OwnOutcome, outcomeOf } from "#lib/task/outcome.ts";
import { overridden } from "#lib/task/retry.ts";
import type { TaskTypeDefinition } from "#lib/task/task-type.ts";
import { typeNameOf } from "#lib/task/task-type.ts";
import { timesOf } from "#lib/task/times.ts";
import { retryPolicyOf, timeoutsOf } from "./announced-type.ts";
import { AttemptNotes } from "./attempt-notes.ts";
import { type BeginOptions, type Begun, beginAttempt, readWaiting } from "./begin-attempt.ts";
import { checkpointSaver } from "./checkpoints.ts";
import { Lease } from "./lease.ts";
import { offerLater } from "./offer-later.ts";
import { park } from "./park.ts";
import { type Cue, prepareHandler, type Stage } from "./prepare-handler.ts";
import { quiet } from "./quiet.ts";
import type { RunningAttempt, RunningAttempts } from "./running-attempts.ts";
import { type ErrorLog, settle } from "./settle.ts";
import { Stops } from "./stops.ts";
import type { WorkerMetrics } from "./worker-metrics.ts";

/** An attempt that is told to stop may need a moment. */
const AGAIN_MS = 500;

export interface AttemptOptions extends BeginOptions {
  /** The task types that this worker has handlers for, by name. */
  readonly types: ReadonlyMap<string, TaskTypeDefinition>;
  readonly running: RunningAttempts;
  readonly stage: Stage;
  readonly metrics: WorkerMetrics;
  readonly log: Log;
}

/** The whole way of a delivery: begin, run the handler, settle. */
export async function runAttempt(delivery: Delivery, options: AttemptOptions): Promise<void> {
  const { broker, running } = options;
  const before = running.find(delivery.taskId);
  if (before) return await renewOrStop(before, delivery, broker);
  // Nothing was awaited: until it is added, the slot counts as free.
  using stops = new Stops();
  const lease = new Lease(delivery);
  const held: RunningAttempt = {
    taskId: delivery.taskId,
    queue: delivery.queue,
    lease,
    epoch: epochOf(delivery),
    number: 0,
    fence: undefined,
    stop: (reason) => stops.stop(reason),
  };
  using _ = running.add(held);
  const waiting = delivery.waiting ?? (await readWaiting(delivery.taskId, broker));
  if (!waiting) return await park(lease, delivery, options);
  const type = typeOf(waiting.spec, options);
  if (!type) return await offerLater(lease, waiting, options);
  const prepare = ({ spec }: WaitingTask) =>
    prepareHandler({ type, input: spec?.input, stops }, options.stage);
  const begun = await beginAttempt(lease, waiting, { ...options, signal: stops.signal, prepare });
  if (!begun) return;
  using _place = begun.place;
  held.number = begun.running.attempt;
  held.fence = begun.fence;
  void tellOlderAttempts(broker, begun);
  await work({ lease, type, begun, stops }, options);
}

function epochOf({ waiting }: Delivery): number | undefined {
  return waiting && fenceOf(waiting).epoch;
}

/**
 * We have the task already: if it is still ours, we have only been given a new delivery of it, after an outage of the
 * broker, or when our beats came late. An attempt that the task has gone on without is stopped, and the task left to
 * whoever has a slot when it comes again. So is another run of the task, while the one before is still to begin here.
 */
async function renewOrStop(
  held: RunningAttempt,
  delivery: Delivery,
  broker: Broker,
): Promise<void> {
  if (held.fence === undefined && held.epoch !== epochOf(delivery)) {
    delivery.putBack(AGAIN_MS);
    return;
  }
  const standing = held.fence && (await broker.log.read(delivery.taskId));
  if (standing?.fence.stateSequence === held.fence?.stateSequence) {
    held.lease.renew(delivery);
    return;
  }
  held.lease.lapse();
  held.stop(new AttemptStopped("canceled", "the task went on without this attempt"));
  delivery.putBack(AGAIN_MS);
}

interface Working {
  readonly lease: Lease;
  readonly type: TaskTypeDefinition;
  readonly begun: Begun;
  readonly stops: Stops;
}

async function work(working: Working, options: AttemptOptions): Promise<void> {
  const { lease, type, begun } = working;
  const { broker, metrics } = options;
  const { running, waiting, fence } = begun;
  const who = { taskId: fence.taskId, attempt: running.attempt, type: type.alias };
  // No child of it: that is made for every attempt, and few have an error to tell.
  const log: ErrorLog = { error: (told, text) => options.log.error({ ...who, ...told }, text) };
  using notes = new AttemptNotes(running.attempt, (facet, steps) =>
    broker.log.note(fence, facet, steps),
  );
  options.log.debug(who, "attempt starts");

  const outcome = await perform(working, { notes, broker, log });
  metrics.attemptEnded(type.input.typeName, outcome);

  const policy = overridden(retryPolicyOf(type), waiting.spec?.retryPolicy);
  const conditions = { policy, nowMs: broker.clock.nowMs(), deadlineMs: deadlineMsOf(begun) };
  const change = outcome.kind === "canceled" ? undefined : finished(running, outcome, conditions);
  const written = await settle({ broker, lease, begun, notes, log }, change);
  // As for calls: what goes well is told to those who ask for all.
  const level = outcome.kind === "succeeded" && written ? "debug" : "info";
  options.log[level]({ ...who, outcome: outcome.kind, written }, "attempt ended");
}

/** An outcome of which nothing can be made ends the attempt as well. */
function finished(running: StateChange, outcome: OwnOutcome, given: FinishConditions): StateChange {
  try {
    return finishAttempt(running, outcome, given);
  } catch (error) {
    const message = `nothing can be made of its outcome: ${error}`;
    return failAttempt(running, { code: NOT_RUN, message }, given);
  }
}

/** Code of an attempt that we could not run, through no fault of its handler. */
const NOT_RUN = "ATTEMPT_NOT_RUN";

interface Surroundings {
  readonly notes: AttemptNotes;
  readonly broker: Broker;
  readonly log: ErrorLog;
}

/** A mistake of ours ends the attempt like one of the handler's: it would else be repeated for ever, and not counted. */
async function perform(working: Working, { notes, broker, log }: Surroundings): Promise<Outcome> {
  const { begun, stops } = working;
  try {
    const end = await begun.handler.call(cueOf(working, notes, broker));
    return outcomeOf(end, stops.reason);
  } catch (error) {
    log.error({ err: error }, "attempt can't be run");
    return { kind: "failed", code: NOT_RUN, message: `the worker can't run it: ${error}` };
  }
}

/** What the handler needs to begin. From here on, the attempt's time runs. */
function cueOf({ type, begun, stops }: Working, notes: AttemptNotes, broker: Broker): Cue {
  const { running, waiting, fence, checkpoint } = begun;
  const limits = attemptLimits(waiting.spec, timeoutsOf(type), {
    nowMs: broker.clock.nowMs(),
    deadlineMs: deadlineMsOf(begun),
  });
  stops.startLimits(limits);
  const save = checkpointSaver(broker, begun, { stops, notes });
  const idempotencyKey = `${fence.taskId}/${fence.epoch}`;
  const context = {
    taskId: fence.taskId,
    number: running.attempt,
    id: `${idempotencyKey}/${running.attempt}`,
    idempotencyKey,
    // Handlers compare it with the clock that they have.
    deadline: new Date(Date.now() + limits.hardMs),
    checkpoint: checkpoint?.state && toJson(ValueSchema, checkpoint.state),
    signal: stops.signal,
    report: notes.report.bind(notes),
    emit: notes.emit.bind(notes),
    log: notes.log.bind(notes),
    saveCheckpoint: (state: JsonValue) => quiet(save(state)),
  };
  return { context, notes };
}

/** When the task must have ended; unknown for one whose time of acceptance is. */
function deadlineMsOf({ waiting, running }: Begun): number | undefined {
  const { spec, createTime } = waiting;
  return spec && createTime && timesOf(spec, timestampMs(createTime), running).deadlineMs;
}

function typeOf(
  spec: TaskSpec | undefined,
  { types }: AttemptOptions,
): TaskTypeDefinition | undefined {
  return types.get(typeNameOf(spec?.input));
}

/** The worker that we took the task over from may live, and work for nothing. */
async function tellOlderAttempts(broker: Broker, { running, fence }: Begun): Promise<void> {
  if (running.attempt === 1) return;
  // Only a hint: the log refuses what they write.
  const { taskId, epoch } = fence;
  await broker.cancels.tell({ taskId, epoch, newest: running.attempt }).catch(() => {});
}
