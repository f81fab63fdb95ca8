import { setTimeout as delay } from "node:timers/promises";
import { toJson } from "@bufbuild/protobuf";
import {
  BytesValueSchema,
  DoubleValueSchema,
  Int32ValueSchema,
  StructSchema,
} from "@bufbuild/protobuf/wkt";
import { type Attempt, defineTaskType } from "#lib/task/task-type.ts";
import { nowMs } from "../../../clock.ts";

/** Reports as often as its input says, in one turn, and tells when it began. */
const noop = defineTaskType({
  input: Int32ValueSchema,
  output: DoubleValueSchema,
  alias: "bench.noop",
  description: "Does nothing but report.",
  async handler(attempt) {
    const value = nowMs();
    for (let made = 1; made <= attempt.input.value; made += 1) report(attempt, made);
    return { value };
  },
});

/** The same with pauses: `{ reports, everyMs }`. */
const slow = defineTaskType({
  input: StructSchema,
  output: DoubleValueSchema,
  alias: "bench.slow",
  description: "Reports now and then.",
  async handler(attempt) {
    const value = nowMs();
    const { reports, everyMs } = toJson(StructSchema, attempt.input) as Record<string, number>;
    for (let made = 1; made <= Number(reports); made += 1) {
      await delay(Number(everyMs), undefined, attempt);
      report(attempt, made);
    }
    return { value };
  },
});

/** Takes any bytes, and does nothing at all. */
const bytes = defineTaskType({
  input: BytesValueSchema,
  output: DoubleValueSchema,
  alias: "bench.bytes",
  description: "Takes bytes and does nothing.",
  async handler() {
    return { value: nowMs() };
  },
});

export function taskTypes() {
  return [noop, slow, bytes];
}

/** The note says when the report was made, for the watcher to tell how long it took. */
export function report(attempt: Attempt<unknown>, made: number): void {
  attempt.report({ current: made, note: String(nowMs()) });
}
