import { create } from "@bufbuild/protobuf";
import { anyPack, type Duration, durationFromMs, EmptySchema } from "@bufbuild/protobuf/wkt";
import { type TaskSpec, TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { RedriveDeadLettersRequestSchema } from "#gen/millrace/v1/task_service_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
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
  /** Other tasks that are there before, and end as well. */
  readonly beside?: readonly string[];
  /** What others have done before. */
  prepare(broker: Broker, taskId: string): Promise<unknown>;
  act(broker: Broker, taskId: string): Promise<unknown>;
  /** What must be so when another process has come. `isDone`: whether the one that stopped had done all of it. */
  check?(broker: Broker, taskId: string, isDone: boolean): Promise<unknown>;
}

export const INPUT = anyPack(EmptySchema, create(EmptySchema));
const NEVER = new AbortController().signal;
const ASKED = { reason: "", requestedBy: "ada" };
const FILLER = "filler";
const { FAILED } = TaskState;

interface Asked {
  readonly delay?: number;
  readonly ttl?: number;
  readonly timeout?: number;
  /** Whether it has an input, and so a lane of its type. */
  readonly isTyped?: boolean;
}

export function specOf({ isTyped = false, ...times }: Asked = {}): TaskSpec {
  const of = (ms: number | undefined): Duration | undefined =>
    ms === undefined ? undefined : durationFromMs(ms);
  const [delay, ttl, taskTimeout] = [of(times.delay), of(times.ttl), of(times.timeout)];
  return create(TaskSpecSchema, {
    queue: "default",
    ...(isTyped && { input: INPUT }),
    ...(delay && { start: { case: "delay", value: delay } }),
    ...(ttl && { expiry: { case: "ttl", value: ttl } }),
    ...(taskTimeout && { taskTimeout }),
  });
}

export async function accept(broker: Broker, taskId: string, spec = specOf()): Promise<void> {
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

/** The tasks that a worker is handed now, from every lane. */
export async function take(broker: Broker): Promise<Delivery[]> {
  const lanes = await broker.lanes.list("default");
  const taken = lanes.map(({ level, type }) =>
    takeNow(broker.link.use(), queueSource("default", level, type), 100),
  );
  return (await Promise.all(taken)).flat();
}

/** Runs the tasks that are handed out, each to this end. */
export async function work(broker: Broker, workerId: string, outcome: OwnOutcome): Promise<void> {
  for (const delivery of await take(broker)) {
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
export const SUCCEEDED = { kind: "succeeded", output: INPUT } as const;

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
    name: "a submit of a type that is new to the queue",
    mayBeGone: true,
    prepare: nothing,
    act: (broker, id) => accept(broker, id, specOf({ isTyped: true })),
  },
  {
    name: "a submit of a type with times",
    mayBeGone: true,
    prepare: nothing,
    act: (broker, id) =>
      accept(broker, id, specOf({ isTyped: true, delay: 300, ttl: 60_000, timeout: 60_000 })),
  },
  {
    name: "a submit of a type to a full queue",
    mayBeGone: true,
    prepare: fill,
    act: (broker, id) => accept(broker, id, specOf({ isTyped: true })),
  },
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
