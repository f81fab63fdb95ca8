import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, expect, test, vi } from "vitest";
import { taskTypesOf } from "#cli/task-types/task-types.ts";
import { JsonView } from "#cli/watch/json-view.ts";
import {
  TaskEventSchema,
  TaskSchema,
  TaskState,
  WaitingReason_Reason,
  WaitingReasonSchema,
} from "#gen/millrace/v1/task_pb.ts";

const { NO_WORKER, QUEUE_FULL, QUEUE_PAUSED, RETRY_TIME, SLOTS_BUSY, START_TIME } =
  WaitingReason_Reason;

afterEach(() => {
  vi.restoreAllMocks();
});

/** What goes to standard output and to standard error. */
function printed() {
  const streams = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      streams[name] += text;
      return true;
    });
  }
  return streams;
}

type Waiting = MessageInitShape<typeof WaitingReasonSchema>;

const viewOf = (many = false) => new JsonView({ ...taskTypesOf([]), many });
const reasonOf = (init: Waiting) => create(WaitingReasonSchema, init);

function taskOf(id: string, waitingReason: Waiting) {
  return create(TaskSchema, { id, sequence: 1n, state: TaskState.QUEUED, waitingReason });
}

function stateOf(taskId: string, sequence: bigint, state: TaskState) {
  return create(TaskEventSchema, { taskId, sequence, facet: { case: "state", value: { state } } });
}

test.each([NO_WORKER, QUEUE_FULL, QUEUE_PAUSED, RETRY_TIME, SLOTS_BUSY, START_TIME])(
  "reason %i is told at once, and when it comes later",
  (reason) => {
    const out = printed();
    const view = viewOf();
    view.snapshot(taskOf("a", { reason, description: "for that" }));
    expect(out).toEqual({ stdout: "", stderr: "waits: for that\n" });
    const later = viewOf();
    later.snapshot(create(TaskSchema, { id: "a", state: TaskState.QUEUED }));
    later.waits(reasonOf({ reason, description: "for this" }));
    expect(out).toEqual({ stdout: "", stderr: "waits: for that\nwaits: for this\n" });
  },
);

test("a reason is told once as long as it holds, and again when it is another, or anew", () => {
  const out = printed();
  const view = viewOf();
  const seen = (ago: string) => reasonOf({ reason: NO_WORKER, description: `seen ${ago} ago` });
  view.snapshot(taskOf("a", seen("1 s")));
  view.waits(seen("11 s"));
  view.snapshot(taskOf("a", seen("12 s")));
  expect(out.stderr).toBe("waits: seen 1 s ago\n");
  for (const ms of [5_000, 5_000, 9_000]) {
    const until = timestampFromMs(ms);
    view.waits(reasonOf({ reason: RETRY_TIME, until, description: `until ${ms}` }));
  }
  expect(out.stderr).toBe("waits: seen 1 s ago\nwaits: until 5000\nwaits: until 9000\n");
  view.event(stateOf("a", 2n, TaskState.RUNNING));
  view.event(stateOf("a", 3n, TaskState.RETRYING));
  view.waits(seen("1 s"));
  expect(out.stderr).toMatch(/until 9000\nwaits: seen 1 s ago\n$/);
  expect(
    out.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).sequence),
  ).toEqual(["2", "3"]);
});

test("of several tasks, the one that waits is named", () => {
  const out = printed();
  const view = viewOf(true);
  view.snapshot(taskOf("a", { reason: SLOTS_BUSY, description: "all are busy" }));
  view.snapshot(taskOf("b", { reason: QUEUE_FULL, description: "it is full" }));
  expect(out.stderr).toBe("a waits: all are busy\nb waits: it is full\n");
});
