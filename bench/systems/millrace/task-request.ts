import { create } from "@bufbuild/protobuf";
import {
  type Any,
  anyPack,
  BytesValueSchema,
  Int32ValueSchema,
  StructSchema,
  timestampFromMs,
} from "@bufbuild/protobuf/wkt";
import type { TaskWanted } from "../../client/caller.ts";
import { nowMs } from "../../clock.ts";
import { NUMBERED_INPUTS } from "./numbered-inputs.ts";

export function requestOf(task: TaskWanted) {
  const input = taskInput(task);
  if (task.dueAtMs === undefined) return { spec: { input } };
  return { spec: { input, start: { case: "startTime" as const, value: startTime(task.dueAtMs) } } };
}

/** The moment by the calendar's clock. */
function startTime(dueAtMs: number) {
  return timestampFromMs(Math.ceil(Date.now() + dueAtMs - nowMs()));
}

/** The input of the task type that does such a task. */
function taskInput({ reports, everyMs, payloadBytes, type }: TaskWanted): Any {
  if (type !== undefined) return numbered(type, reports);
  if (payloadBytes !== undefined) {
    return anyPack(BytesValueSchema, create(BytesValueSchema, { value: bytesOf(payloadBytes) }));
  }
  if (everyMs === undefined) {
    return anyPack(Int32ValueSchema, create(Int32ValueSchema, { value: reports }));
  }
  return anyPack(StructSchema, create(StructSchema, { fields: numbers({ reports, everyMs }) }));
}

function numbered(type: number, reports: number): Any {
  const input = NUMBERED_INPUTS[type];
  if (!input) throw new Error(`there is no task type ${type}, only ${NUMBERED_INPUTS.length}`);
  return anyPack(input, create(input, { reports }));
}

function bytesOf(count: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(count).fill(120);
}

function numbers(values: Readonly<Record<string, number>>) {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      { kind: { case: "numberValue" as const, value } },
    ]),
  );
}
