import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  StateChangeSchema,
  TaskEventSchema,
  TaskSpecSchema,
  type TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { isTerminal } from "#lib/task/life.ts";

const { spec: SPEC, state: CHANGE } = TaskEventSchema.field;
const { state: STATE } = StateChangeSchema.field;
const { keepFor: KEEP_FOR } = TaskSpecSchema.field;

/*
 * What is told of an event by a few of its bytes, for those who hear of all events and care for few. Bytes that are none of
 * an event tell nothing.
 */

/** Whether the event is a state change that ends its task. */
export function endsTask(data: Uint8Array): boolean {
  return told(() => {
    const change = messageIn(data, CHANGE.number);
    return (
      change !== undefined && find(change, STATE.number) && isTerminal(change.int32() as TaskState)
    );
  });
}

/** Whether the event is a spec that says how long its task is kept. */
export function hasKeepFor(data: Uint8Array): boolean {
  return told(() => {
    const spec = messageIn(data, SPEC.number);
    return spec !== undefined && find(spec, KEEP_FOR.number);
  });
}

function told(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}

/** A reader of the message in the event's field; undefined if it has none. */
function messageIn(data: Uint8Array, field: number): BinaryReader | undefined {
  const event = new BinaryReader(data);
  return find(event, field) ? new BinaryReader(event.bytes()) : undefined;
}

/** Goes to the value of the field; false if there is none. */
function find(reader: BinaryReader, field: number): boolean {
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field) return true;
    reader.skip(wireType, number);
  }
  return false;
}
