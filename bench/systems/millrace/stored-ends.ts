import { fromBinary } from "@bufbuild/protobuf";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { TaskEventSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";

const STREAM = "MR_EVENTS";
const STATES = "mr.task.*.state";
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
  const nc = await connect({ servers: natsUrl });
  try {
    const consumer = await jetstream(nc).consumers.get(STREAM, { filter_subjects: [STATES] });
    let left = (await consumer.info()).num_pending;
    if (left === 0) return ended;
    for await (const message of await consumer.consume({ max_messages: 5_000 })) {
      const { facet } = fromBinary(TaskEventSchema, message.data);
      const id = `${message.subject.split(".")[TASK_ID_AT]}`;
      if (facet.case === "state" && ENDS.has(facet.value.state)) {
        ended.set(id, (ended.get(id) ?? 0) + 1);
      }
      left -= 1;
      if (left === 0) break;
    }
    return ended;
  } finally {
    await nc.close();
  }
}
