import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack, DoubleValueSchema } from "@bufbuild/protobuf/wkt";
import { type StateChange, TaskEventSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { readStream } from "../read-stream.ts";

const STREAM = "MR_EVENTS";
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
  await readEnds(natsUrl, (id) => ended.set(id, (ended.get(id) ?? 0) + 1));
  return ended;
}

/** Likewise: when each handler began, which is what it put out. */
export async function storedStarts(natsUrl: string): Promise<ReadonlyMap<string, number>> {
  const started = new Map<string, number>();
  await readEnds(natsUrl, (id, { output }) => {
    const value = output && anyUnpack(output, DoubleValueSchema)?.value;
    if (value !== undefined) started.set(id, value);
  });
  return started;
}

/** The tasks that the log has whole. */
export async function storedTasks(natsUrl: string): Promise<ReadonlySet<string>> {
  const tasks = new Set<string>();
  await readStream(natsUrl, { stream: STREAM, subjects: "mr.task.*.spec" }, ({ subject }) =>
    tasks.add(taskIn(subject)),
  );
  return tasks;
}

async function readEnds(
  natsUrl: string,
  onEnd: (id: string, change: StateChange) => void,
): Promise<void> {
  await readStream(
    natsUrl,
    { stream: STREAM, subjects: "mr.task.*.state" },
    ({ subject, data }) => {
      const { facet } = fromBinary(TaskEventSchema, data);
      if (facet.case !== "state" || !ENDS.has(facet.value.state)) return;
      onEnd(taskIn(subject), facet.value);
    },
  );
}

function taskIn(subject: string): string {
  return `${subject.split(".")[TASK_ID_AT]}`;
}
