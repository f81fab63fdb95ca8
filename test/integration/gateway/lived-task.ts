import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  LogLine_Level,
  StateChangeSchema,
  type TaskEvent,
  TaskSpecSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { allStored } from "#test/support/broker.ts";

type Spec = MessageInitShape<typeof TaskSpecSchema>;

/** A task of which only the spec is written. */
export async function acceptTask(broker: Broker, taskId: string, spec: Spec = {}): Promise<Fence> {
  const begun = await broker.log.begin(
    taskId,
    create(TaskSpecSchema, { queue: "default", ...spec }),
  );
  if (!begun) throw new Error(`there is a task ${taskId}`);
  return begun;
}

export async function moveTask(broker: Broker, fence: Fence, state: TaskState): Promise<Fence> {
  const appended = await broker.log.append(fence, create(StateChangeSchema, { state, attempt: 1 }));
  if (appended.kind !== "stored") throw new Error("someone else was faster");
  return { ...fence, stateSequence: appended.sequence };
}

/** A task that has run, and said all that a handler may say, up to the state. */
export async function livedTask(
  broker: Broker,
  taskId: string,
  end: TaskState,
  spec: Spec = {},
): Promise<Fence> {
  const running = await moveTask(broker, await acceptTask(broker, taskId, spec), TaskState.RUNNING);
  for (const facet of notes()) await broker.log.note(running, facet);
  await allStored(broker);
  return end === TaskState.RUNNING ? running : moveTask(broker, running, end);
}

function notes(): TaskEvent["facet"][] {
  const common = { attempt: 1 } as const;
  return [
    { case: "progress", value: { $typeName: "millrace.v1.Progress", ...common, note: "half" } },
    {
      case: "output",
      value: {
        $typeName: "millrace.v1.OutputChunk",
        ...common,
        content: { case: "text", value: "a".repeat(200) },
      },
    },
    {
      case: "log",
      value: {
        $typeName: "millrace.v1.LogLine",
        ...common,
        level: LogLine_Level.INFO,
        message: "done",
      },
    },
  ];
}

/** What the log has of the task, in order. */
export async function facetsOf(broker: Broker, taskId: string): Promise<(string | undefined)[]> {
  const head = BigInt(await broker.scan.head());
  const events = await Array.fromAsync(broker.log.history(taskId, 0n, head));
  return events.map(({ facet }) => facet.case);
}
