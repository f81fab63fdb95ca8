import { DoubleValueSchema } from "@bufbuild/protobuf/wkt";
import { defineTaskType } from "#lib/task/task-type.ts";
import { nowMs } from "../../../clock.ts";
import { NUMBERED_INPUTS } from "../numbered-inputs.ts";
import { taskTypes as fewTaskTypes, report } from "./task-types.ts";

/** The same no-op under many names, besides those that a worker always serves. */
export function taskTypes() {
  return [...fewTaskTypes(), ...NUMBERED_INPUTS.map(noop)];
}

function noop(input: (typeof NUMBERED_INPUTS)[number], index: number) {
  return defineTaskType({
    input,
    output: DoubleValueSchema,
    alias: `bench.noop-${index + 1}`,
    description: "Does nothing but report.",
    async handler(attempt) {
      const value = nowMs();
      for (let made = 1; made <= attempt.input.reports; made += 1) report(attempt, made);
      return { value };
    },
  });
}
