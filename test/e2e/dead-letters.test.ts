import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "vitest";
import { type Task, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { errorOf, violationsOf } from "#test/support/errors.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import { type Gateway, historyOf, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const test = testOnSharedSystem({ MILLRACE_QUEUES: "default,redriven" });

const idsOf = (tasks: readonly Task[]) => tasks.map(({ id }) => id);

/** Submits tasks that fail for good, one after the other has failed. */
async function fail(
  gateway: Gateway,
  ids: readonly string[],
  {
    code = "BAD",
    ...spec
  }: { code?: string; queue?: string; labels?: Record<string, string> } = {},
): Promise<void> {
  for (const taskId of ids) {
    await gateway.client.submitTask({
      taskId,
      spec: { input: scriptOf({ permanent: code }), ...spec },
    });
    await historyOf(gateway, taskId);
  }
}

test("dead letters are listed in the order in which they failed, page by page, with their inputs", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
  const { client } = gateway;
  const ids = ["e", "c", "a", "d", "b"];
  await fail(gateway, ids);
  await client.submitTask({ taskId: "fine", spec: { input: scriptOf({}) } });
  await historyOf(gateway, "fine");

  const all = await client.listDeadLetters({});
  expect(idsOf(all.tasks)).toEqual(ids);
  expect(all.nextPageToken).toBe("");
  const { task } = await client.getTask({ taskId: "e" });
  expect(all.tasks[0]).toEqual(task);
  expect(task).toMatchObject({ state: TaskState.FAILED, error: { code: "BAD" } });

  const paged: string[] = [];
  let pageToken = "";
  do {
    const page = await client.listDeadLetters({ pageSize: 2, pageToken });
    expect(page.tasks.length).toBeLessThanOrEqual(2);
    paged.push(...idsOf(page.tasks));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(paged).toEqual(ids);
});

test("dead letters are found by queue, type, code, labels and time", async () => {
  await using system = await System.start({ MILLRACE_QUEUES: "default,slow" });
  const { gateway } = await system.running();
  await fail(gateway, ["a"], { code: "NO_PAGE", labels: { team: "water", size: "l" } });
  await fail(gateway, ["b"], { queue: "slow", labels: { team: "water" } });
  const found = async (filter: object) =>
    idsOf((await gateway.client.listDeadLetters({ filter })).tasks);

  const { task } = await gateway.client.getTask({ taskId: "b" });
  const { endTime = timestampFromMs(0) } = task ?? {};
  expect(await found({ queue: "slow" })).toEqual(["b"]);
  expect(await found({ taskType: "google.protobuf.Struct" })).toEqual(["a", "b"]);
  expect(await found({ taskType: "google.protobuf.Value" })).toEqual([]);
  expect(await found({ errorCode: "NO_PAGE" })).toEqual(["a"]);
  expect(await found({ labels: { team: "water" } })).toEqual(["a", "b"]);
  expect(await found({ labels: { team: "water", size: "l" } })).toEqual(["a"]);
  expect(await found({ failedAfter: endTime })).toEqual(["b"]);
  expect(await found({ failedBefore: endTime })).toEqual(["a"]);
  expect(await found({ queue: "slow", errorCode: "NO_PAGE" })).toEqual([]);
});

test("a task that was started again or deleted is no dead letter, until it fails again", async ({
  gateway,
}) => {
  const { client } = gateway;
  const ids = ["again", "deleted", "left"];
  await fail(gateway, ids);
  await client.deleteTask({ taskId: "deleted" });
  await client.retryTask({ taskId: "again", requestedBy: "ann" });
  const runs = statesOf(await historyOf(gateway, "again")).filter((state) => state !== "QUEUED 1");
  expect(runs).toEqual(["RUNNING 1", "FAILED 1", "RUNNING 2", "FAILED 2"]);
  const listed = await client.listDeadLetters({});
  const tasks = listed.tasks.filter(({ id }) => ids.includes(id));
  expect(idsOf(tasks)).toEqual(["left", "again"]);
  expect(tasks[1]).toMatchObject({ restarts: 1, restartedBy: "ann", attempt: 2 });
});

test("redriving counts first, starts the oldest up to the limit, and may be repeated", async ({
  system,
  gateway,
}) => {
  const { client } = gateway;
  const queue = "redriven";
  const filter = { queue };
  const ids = ["a", "b", "c", "d", "e"];
  await using worker = await system.worker({ MILLRACE_QUEUES: queue });
  await fail(gateway, ids, { queue });
  await worker[Symbol.asyncDispose]();

  const preview = await client.redriveDeadLetters({ filter, preview: true, limit: 3 });
  expect(preview).toMatchObject({ matched: 3, more: true, restarted: 0, failures: [] });
  expect((await client.listDeadLetters({ filter })).tasks).toHaveLength(5);

  const first = await client.redriveDeadLetters({ filter, limit: 3, requestedBy: "ann" });
  expect(first).toMatchObject({ matched: 3, more: true, restarted: 3, failures: [] });
  expect(idsOf((await client.listDeadLetters({ filter })).tasks)).toEqual(["d", "e"]);
  const { task } = await client.getTask({ taskId: "a" });
  expect(task).toMatchObject({ state: TaskState.QUEUED, restarts: 1, restartedBy: "ann" });

  const rest = await client.redriveDeadLetters({ filter });
  expect(rest).toMatchObject({ matched: 2, more: false, restarted: 2 });
  expect(await client.redriveDeadLetters({ filter })).toMatchObject({ matched: 0, restarted: 0 });

  await using _worker = await system.worker({ MILLRACE_QUEUES: queue });
  const histories = await Promise.all(ids.map((id) => historyOf(gateway, id)));
  for (const events of histories) expect(statesOf(events).at(-1)).toBe("FAILED 2");
  await checkLedger(system.nats.url, ids);
});

test("a redrive of more than the queue has room for starts them all, and each has its place in time", async () => {
  await using system = await System.start({ MILLRACE_QUEUE_MAX_TASKS: "2" });
  const { gateway, worker } = await system.running();
  const { client } = gateway;
  const ids = Array.from({ length: 30 }, (_, index) => `t${index}`);
  await fail(gateway, ids);
  await worker[Symbol.asyncDispose]();

  const { matched, restarted, failures } = await client.redriveDeadLetters({});
  expect({ matched, restarted, failures }).toEqual({ matched: 30, restarted: 30, failures: [] });
  expect((await client.listDeadLetters({})).tasks).toEqual([]);
  await system.worker();
  await until(async () => (await client.listDeadLetters({})).tasks.length === 30);
});

test("a page token that is none is refused by name", async ({ gateway }) => {
  const { client } = gateway;
  const error = await errorOf(client.listDeadLetters({ pageToken: "x1" }));
  expect(error.code).toBe(Code.InvalidArgument);
  expect(violationsOf(error)).toEqual(["page_token"]);
  // Of a history that this one has replaced: what failed since then would be missed in silence.
  const elsewhere = await errorOf(client.listDeadLetters({ pageToken: "99999" }));
  expect(elsewhere.code).toBe(Code.OutOfRange);
});
