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
