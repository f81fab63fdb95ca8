import { fromJson } from "@bufbuild/protobuf";
import { BoolValueSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import { PermanentError } from "#lib/task/handler-errors.ts";
import { defineTaskType } from "#lib/task/task-type.ts";
import { HOSTILE } from "./hostile.ts";

/** Says what harms a terminal wherever a handler can say something; told so, it fails, else it succeeds. */
const speak = defineTaskType({
  input: BoolValueSchema,
  output: StructSchema,
  alias: "test.speak",
  description: HOSTILE,
  async handler({ input, report, emit, log }) {
    report({ fraction: 0.5, note: HOSTILE });
    log("warn", HOSTILE);
    emit(HOSTILE);
    if (input.value) throw new PermanentError(HOSTILE, { code: "TOLD" });
    return fromJson(StructSchema, { [HOSTILE]: HOSTILE });
  },
});

export function taskTypes() {
  return [speak];
}
