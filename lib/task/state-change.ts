import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type StateChange, StateChangeSchema } from "#gen/millrace/v1/task_pb.ts";

type Change = Omit<MessageInitShape<typeof StateChangeSchema>, "$typeName" | "$unknown">;

/** The change, with everything that stays true of the task. */
export function after(last: StateChange | undefined, change: Change): StateChange {
  return create(StateChangeSchema, {
    attempt: last?.attempt ?? 0,
    failures: last?.failures ?? 0,
    crashes: last?.crashes ?? 0,
    workerId: last?.workerId ?? "",
    ...(last?.startTime && { startTime: last.startTime }),
    ...(last?.error && { error: last.error }),
    restarts: last?.restarts ?? 0,
    ...(last?.restartTime && { restartTime: last.restartTime }),
    restartedBy: last?.restartedBy ?? "",
    ...change,
  });
}

/** Where a task stands in the log. */
interface Place {
  /** Sequence of its last state change; 0 = none. */
  readonly stateSequence: number;
  /** Sequence of its spec. */
  readonly specSequence: number;
}

/** The run that a task is in after its last state change: the sequence of the event that began it. */
export function epochOf(
  last: Pick<StateChange, "epoch" | "restarts"> | undefined,
  { stateSequence, specSequence }: Place,
): number {
  if (!last) return specSequence;
  if (last.epoch > 0n) return Number(last.epoch);
  // A restart can't know its own sequence. Nor do events of earlier releases; of those, each begins a run of its own.
  return last.restarts > 0 ? stateSequence : specSequence;
}
