import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StateChangeSchema } from "#gen/millrace/v1/task_pb.ts";
import { epochOf } from "#lib/task/state-change.ts";

const AT = { stateSequence: 7, specSequence: 3 };

test.each([
  ["begins with the spec", undefined, 3],
  ["goes on from there, though a release before did not say so", {}, 3],
  ["begins with the state change of a restart", { restarts: 1 }, 7],
  ["is what its later events say", { restarts: 1, epoch: 5n }, 5],
])("a run %s", (_, last, epoch) => {
  expect(epochOf(last && create(StateChangeSchema, last), AT)).toBe(epoch);
});
