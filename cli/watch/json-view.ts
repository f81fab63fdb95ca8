import type { Registry } from "@bufbuild/protobuf";
import { TaskEventSchema } from "#gen/millrace/v1/task_pb.ts";
import { toldAsJson } from "#lib/rpc/told-as-json.ts";
import { printJson, tell } from "../terminal/output.ts";
import { tellStuck } from "./tell-stuck.ts";
import type { View } from "./view.ts";

/** One line of protobuf JSON per event, and nothing else on stdout. */
export function jsonView(registry: Registry): View {
  return {
    snapshot({ waitingReason }) {
      tellStuck(waitingReason);
    },
    waits() {},
    event(event) {
      const json = toldAsJson(TaskEventSchema, event, { registry });
      printJson(json);
    },
    notice(line) {
      tell(line);
    },
    [Symbol.dispose]() {},
  };
}
