import { timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { historyOf, isolatedScriptOf, scriptOf, statesOf } from "#test/support/system.ts";

const test = testOnSharedSystem();

function msOf(event: TaskEvent | undefined): number {
  return Number(event?.time?.seconds) * 1_000 + (event?.time?.nanos ?? 0) / 1e6;
}

describe("a handler that fails", () => {
  test("says when the next attempt is worth it, and it starts then, whatever the policy says", async ({
    gateway,
  }) => {
    const { task } = await gateway.client.submitTask({
      spec: {
        input: scriptOf({ failures: 1, retryAfterMs: 2_000 }),
        retryPolicy: { initialBackoff: { seconds: 3600n } },
      },
    });
    const events = await historyOf(gateway, task?.id ?? "");
    const states = events.filter(({ facet }) => facet.case === "state");
    expect(statesOf(events)).toEqual(["RUNNING 1", "RETRYING 1", "RUNNING 2", "SUCCEEDED 2"]);
    expect(msOf(states[2]) - msOf(states[1])).toBeGreaterThanOrEqual(1_900);
  });

  test("with a code that the task does not want retried ends it at once", async ({ gateway }) => {
    const { task } = await gateway.client.submitTask({
      spec: {
        input: scriptOf({ failures: 9, failureCode: "NO_CREDIT" }),
        retryPolicy: { nonRetryableCodes: ["NO_CREDIT"] },
      },
    });
    const events = await historyOf(gateway, task?.id ?? "");
    expect(statesOf(events)).toEqual(["RUNNING 1", "FAILED 1"]);
    const after = await gateway.client.getTask({ taskId: task?.id ?? "" });
    expect(after.task?.error).toMatchObject({ code: "NO_CREDIT", retryable: false });
  });

  test.for([
    ["in the worker's own thread", scriptOf],
    ["in a thread of its own", isolatedScriptOf],
  ] as const)(
    "tells programs what it knows of the error, and when it was, %s",
    async ([, of], { gateway }) => {
      const details = { status: 402, missing: ["card"], since: null };
      const { task } = await gateway.client.submitTask({
        spec: { input: of({ permanent: "NO_CREDIT", details }) },
      });
      const events = await historyOf(gateway, task?.id ?? "");
      const { task: failed } = await gateway.client.getTask({ taskId: task?.id ?? "" });
      expect(failed?.error).toMatchObject({ code: "NO_CREDIT", details });
      const failedMs = failed?.error?.time && timestampMs(failed.error.time);
      expect(Math.abs(Number(failedMs) - msOf(events.at(-1)))).toBeLessThan(1_000);
    },
  );
});
