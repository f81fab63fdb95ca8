import { fromBinary } from "@bufbuild/protobuf";
import { TaskEventSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { readStream } from "../read-stream.ts";

const STATES = { stream: "MR_EVENTS", subjects: "mr.task.*.state" };
const TASK_ID_AT = 2;

const ENDS: ReadonlySet<TaskState> = new Set([
  TaskState.SUCCEEDED,
  TaskState.FAILED,
  TaskState.CANCELED,
  TaskState.EXPIRED,
]);

/** Reads the whole log, past all of Millrace's own code but the messages': how often each task has ended in it. */
export async function storedEnds(natsUrl: string): Promise<ReadonlyMap<string, number>> {
  const ended = new Map<string, number>();
  await readStream(natsUrl, STATES, ({ subject, data }) => {
    const { facet } = fromBinary(TaskEventSchema, data);
    if (facet.case !== "state" || !ENDS.has(facet.value.state)) return;
    const id = `${subject.split(".")[TASK_ID_AT]}`;
    ended.set(id, (ended.get(id) ?? 0) + 1);
  });
  return ended;
}
