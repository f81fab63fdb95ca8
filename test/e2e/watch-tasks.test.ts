import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import type { TaskFailure, WatchTasksResponse } from "#gen/millrace/v1/task_service_pb.ts";
import { isTerminalEvent } from "#lib/task/life.ts";
import { errorOf, violationsOf } from "#test/support/errors.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger, readLog } from "#test/support/ledger.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { type Gateway, scriptOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const test = testOnSharedSystem();

interface Watched {
  readonly snapshots: string[];
  readonly events: Map<string, TaskEvent[]>;
  readonly failures: TaskFailure[];
}

const nothingYet = (): Watched => ({ snapshots: [], events: new Map(), failures: [] });

function take({ kind }: WatchTasksResponse, watched: Watched): void {
  if (kind.case === "failure") watched.failures.push(kind.value);
  if (kind.case !== "update") return;
  const { kind: update } = kind.value;
  if (update.case === "snapshot") watched.snapshots.push(update.value.id);
  if (update.case !== "event") return;
  const { taskId } = update.value;
  watched.events.set(taskId, [...(watched.events.get(taskId) ?? []), update.value]);
}

async function watchAll(
  { client }: Gateway,
  tasks: readonly { taskId: string; afterSequence?: bigint }[],
): Promise<Watched> {
  const watched = nothingYet();
  for await (const response of client.watchTasks({ tasks: [...tasks] })) take(response, watched);
  return watched;
}

const sequences = (events: readonly TaskEvent[] | undefined) =>
  (events ?? []).map(({ sequence }) => sequence);

/** All that the log has of the task, in order and once; of progress, only the newest need be told. */
function expectWhole(told: readonly TaskEvent[] = [], stored: readonly TaskEvent[] = []): void {
  const seen = new Set(sequences(told));
  const owed = stored.filter(
    ({ facet, sequence }) => facet.case !== "progress" || seen.has(sequence),
  );
  expect(sequences(told)).toEqual(sequences(owed));
}

test("200 tasks on one stream: all that the log has of each, resumed at another gateway", async ({
  system,
  gateway,
}) => {
  await using other = await system.gateway();
  const ids = Array.from({ length: 200 }, (_, index) => `task-${index}`);
  await Promise.all(
    ids.map((taskId) => {
      const spec = { input: scriptOf({ steps: 2, idleMs: 20 }) };
      return gateway.client.submitTask({ taskId, spec });
    }),
  );
  const watched = await watchAll(gateway, [
    { taskId: "nobody" },
    ...ids.map((taskId) => ({ taskId })),
  ]);
  const log = await checkLedger(system.nats.url, ids);
  for (const id of ids) expectWhole(watched.events.get(id), log.get(id));

  const [failure, ...others] = watched.failures;
  expect(others).toEqual([]);
  expect(failure).toMatchObject({ taskId: "nobody", error: { code: Code.NotFound } });
  const [info] = failure?.error?.details ?? [];
  expect(info && anyUnpack(info, ErrorInfoSchema)).toMatchObject({ reason: "TASK_NOT_FOUND" });

  const resumed = ids.slice(0, 50).map((taskId, index) => {
    const seen = sequences(log.get(taskId));
    return { taskId, afterSequence: seen[index % seen.length] ?? 0n };
  });
  const rest = await watchAll(other, resumed);
  for (const { taskId, afterSequence } of resumed) {
    const after = sequences(log.get(taskId)).filter((sequence) => sequence > afterSequence);
    expect(sequences(rest.events.get(taskId))).toEqual(after);
  }
});

test("who watches a label sees the tasks that bear it, those that run and those to come, each once", async ({
  system,
  gateway,
}) => {
  await using gate = await openGate();
  const labels = { batch: "b1" };
  const spec = { input: scriptOf({ gate: gate.url }), labels };
  const before = await gateway.client.submitTask({ spec });
  await gate.arrived();

  const stop = new AbortController();
  const { signal } = stop;
  const watched = nothingYet();
  const watching = (async () => {
    for await (const response of gateway.client.watchTasks({ labels }, { signal }))
      take(response, watched);
  })();
  const after = await gateway.client.submitTask({ spec });
  const others = { input: scriptOf({}), labels: { batch: "b2" } };
  await gateway.client.submitTask({ spec: others });
  const ids = [before.task?.id ?? "", after.task?.id ?? ""];
  await gate.arrived();
  gate.open();
  await until(() => ids.every((id) => watched.events.get(id)?.some(isTerminalEvent)));
  stop.abort();
  expect(await errorOf(watching)).toMatchObject({ code: Code.Canceled });
  expect(watched.snapshots.toSorted()).toEqual(ids.toSorted());
  const log = await readLog(system.nats.url);
  for (const id of ids) expectWhole(watched.events.get(id), log.get(id));
});

test("what makes no watch is refused with the field that is wrong", async ({ gateway }) => {
  const refused = async (request: Parameters<typeof gateway.client.watchTasks>[0]) => {
    const call = (async () => {
      for await (const _ of gateway.client.watchTasks(request)) return;
    })();
    const error = await errorOf(call);
    expect(error.code).toBe(Code.InvalidArgument);
    return { fields: violationsOf(error), message: error.rawMessage };
  };
  expect((await refused({})).message).toContain("name some tasks, or labels");
  expect((await refused({ labels: { Batch: "b1" } })).fields).toEqual([`labels["Batch"]`]);
  const twice = ["a", "b", "a"].map((taskId) => ({ taskId }));
  expect((await refused({ tasks: twice })).fields).toEqual(["tasks[2].task_id"]);
  const many = Array.from({ length: 1_001 }, (_, index) => ({ taskId: `t${index}` }));
  expect((await refused({ tasks: many })).fields).toEqual(["tasks"]);
});
