import { create } from "@bufbuild/protobuf";
import { anyPack, type Duration, durationFromMs, EmptySchema } from "@bufbuild/protobuf/wkt";
import { type TaskSpec, TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { RedriveDeadLettersRequestSchema } from "#gen/millrace/v1/task_service_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { takeNow } from "#lib/broker/queues/pull.ts";
import { waitingOf } from "#lib/broker/queues/waiting.ts";
import { finishAttempt } from "#lib/task/next-state.ts";
import type { OwnOutcome } from "#lib/task/outcome.ts";
import { DEFAULT_RETRY_POLICY } from "#lib/task/retry.ts";
import { beginningBy } from "#test/support/beginning.ts";
import { QUIET, queueSource } from "#test/support/broker.ts";
import { begun, standingOf, step } from "#test/support/steps.ts";
import { cancel } from "../../services/gateway/cancel.ts";
import { deleteFinished } from "../../services/gateway/delete.ts";
import { enforceLimits } from "../../services/gateway/enforce-limits.ts";
import { place } from "../../services/gateway/place.ts";
import { purgeQueue } from "../../services/gateway/purge-queue.ts";
import { redrive } from "../../services/gateway/redrive.ts";
import { restart } from "../../services/gateway/restart.ts";
import { submit } from "../../services/gateway/submit.ts";
import { AttemptNotes } from "../../services/worker/attempt-notes.ts";
import { beginAttempt } from "../../services/worker/begin-attempt.ts";
import { Lease } from "../../services/worker/lease.ts";
import { offerLater } from "../../services/worker/offer-later.ts";
import { settle } from "../../services/worker/settle.ts";

/** A way that a task goes by the writes of one process. */
export interface Path {
  readonly name: string;
  /** Whether a process that stops on the way may leave no task. */
  readonly mayBeGone?: boolean;
  /** What others have done before. */
  prepare(broker: Broker, taskId: string): Promise<unknown>;
  act(broker: Broker, taskId: string): Promise<unknown>;
}

const NEVER = new AbortController().signal;
const ASKED = { reason: "", requestedBy: "ada" };
const FILLER = "filler";
const { FAILED } = TaskState;

function specOf(times: { delay?: number; ttl?: number; timeout?: number } = {}): TaskSpec {
  const of = (ms: number | undefined): Duration | undefined =>
    ms === undefined ? undefined : durationFromMs(ms);
  const [delay, ttl, taskTimeout] = [of(times.delay), of(times.ttl), of(times.timeout)];
  return create(TaskSpecSchema, {
    queue: "default",
    ...(delay && { start: { case: "delay", value: delay } }),
    ...(ttl && { expiry: { case: "ttl", value: ttl } }),
    ...(taskTimeout && { taskTimeout }),
  });
}

async function accept(broker: Broker, taskId: string, spec = specOf()): Promise<void> {
  await submit(broker, taskId, { asked: spec, spec });
}

async function fail(broker: Broker, taskId: string): Promise<void> {
  await begun(broker, taskId, specOf());
  await step(broker, taskId, FAILED, { attempt: 1 });
}

/** The queue has room for one task, which is there. */
async function fill(broker: Broker): Promise<void> {
  await broker.queueSettings.limit("default", { maxTasks: 1n });
  await broker.queues.enqueue(await begun(broker, FILLER));
}

/** Runs tasks until none is handed out any more, each to this end. */
export async function work(broker: Broker, workerId: string, outcome: OwnOutcome): Promise<void> {
  const source = queueSource("default", "p2");
  const deliveries = await takeNow(broker.link.use(), source, 100);
  for (const delivery of deliveries) {
    const lease = new Lease(delivery);
    const options = { ...beginningBy(workerId, broker), maxCrashes: 1_000 };
    const { waiting } = delivery;
    const attempt = waiting && (await beginAttempt(lease, waiting, options));
    if (!attempt) continue;
    const conditions = { policy: DEFAULT_RETRY_POLICY, nowMs: Date.now() };
    const change = finishAttempt(attempt.running, outcome, conditions);
    const notes = new AttemptNotes(attempt.running.attempt, () => {});
    await settle({ broker, lease, begun: attempt, notes, log: QUIET }, change);
  }
}

async function offerOn(broker: Broker): Promise<void> {
  const [delivery] = await takeNow(broker.link.use(), queueSource("default", "p2"), 1);
  if (!delivery?.waiting) return;
  await offerLater(new Lease(delivery), delivery.waiting, beginningBy("doomed", broker));
}

/** Does it until the task is in another state. */
async function untilMoved(
  broker: Broker,
  taskId: string,
  doing: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const { fence } = await standingOf(broker, taskId);
  const done = doing(stop.signal);
  while (await broker.log.isNewest(fence)) await new Promise((resolve) => setTimeout(resolve, 20));
  // What follows from the move.
  await new Promise((resolve) => setTimeout(resolve, 200));
  stop.abort();
  await done;
}

const nothing = async () => {};
const RETRY = { kind: "retry", code: "DOWN", message: "down", retryAfterMs: 100 } as const;
const INTERRUPTED = { kind: "interrupted" } as const;
export const SUCCEEDED = {
  kind: "succeeded",
  output: anyPack(EmptySchema, create(EmptySchema)),
} as const;

export const PATHS: readonly Path[] = [
  { name: "a submit", mayBeGone: true, prepare: nothing, act: accept },
  {
    name: "a submit with times",
    mayBeGone: true,
    prepare: nothing,
    act: (broker, id) => accept(broker, id, specOf({ delay: 300, ttl: 60_000, timeout: 60_000 })),
  },
  { name: "a submit to a full queue", mayBeGone: true, prepare: fill, act: accept },
  {
    name: "the repeat of a submit that died",
    prepare: (broker, id) => broker.log.begin(id, specOf()),
    act: accept,
  },
  {
    name: "the repeat of a submit that died, its queue full",
    prepare: async (broker, id) => {
      await broker.log.begin(id, specOf());
      await fill(broker);
    },
    act: accept,
  },
  {
    name: "an attempt that succeeds",
    prepare: accept,
    act: (broker) => work(broker, "doomed", SUCCEEDED),
  },
  {
    name: "an attempt that is retried",
    prepare: accept,
    act: (broker) => work(broker, "doomed", RETRY),
  },
  {
    name: "an attempt that is handed back",
    prepare: accept,
    act: (broker) => work(broker, "doomed", INTERRUPTED),
  },
  { name: "a worker without the handler", prepare: accept, act: offerOn },
  {
    name: "a restart",
    prepare: fail,
    act: (broker, taskId) => restart(broker, { taskId, requestedBy: "bob" }),
  },
  {
    name: "a restart to a full queue",
    prepare: async (broker, id) => {
      await fail(broker, id);
      await fill(broker);
    },
    act: (broker, taskId) => restart(broker, { taskId, requestedBy: "bob" }),
  },
  {
    name: "a restart behind an entry of the run before",
    prepare: async (broker, id) => {
      await accept(broker, id);
      await step(broker, id, FAILED, { attempt: 1 });
    },
    act: (broker, taskId) => restart(broker, { taskId, requestedBy: "bob" }),
  },
  {
    name: "a redrive",
    prepare: fail,
    act: (broker) => redrive(broker, create(RedriveDeadLettersRequestSchema), NEVER),
  },
  { name: "a cancel", prepare: accept, act: (broker, id) => cancel(broker, id, ASKED) },
  {
    name: "a cancel of what is scheduled",
    prepare: (broker, id) => accept(broker, id, specOf({ delay: 3_000 })),
    act: (broker, id) => cancel(broker, id, ASKED),
  },
  {
    name: "a purge of the queue",
    prepare: accept,
    act: (broker) => purgeQueue(broker, "default", { confirmed: 10, asked: ASKED, signal: NEVER }),
  },
  { name: "a delete", mayBeGone: true, prepare: fail, act: deleteFinished },
  {
    name: "an expiry",
    prepare: async (broker, id) => {
      await begun(broker, id, specOf({ ttl: 100 }));
      await place(broker, waitingOf(await standingOf(broker, id)));
    },
    act: (broker, id) => untilMoved(broker, id, (signal) => enforceLimits(broker, signal)),
  },
  {
    name: "a start time that comes",
    prepare: (broker, id) => accept(broker, id, specOf({ delay: 100 })),
    act: (broker, id) => untilMoved(broker, id, (signal) => broker.schedule.moveDueTasks(signal)),
  },
];
