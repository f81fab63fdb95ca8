import { expect, test, vi } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { LogScan } from "#lib/broker/log/log-scan.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { until } from "#test/support/until.ts";
import { deleteFinished } from "../../../services/gateway/delete.ts";
import { begin, live, move } from "./lived-tasks.ts";
import { RemoteWatching } from "./remote-watching.ts";
import { follow, WatchRecord, whole } from "./watch-record.ts";

const { RUNNING, SUCCEEDED } = TaskState;

async function endAndDelete(broker: Broker, fence: Fence): Promise<void> {
  await move(broker, fence, SUCCEEDED);
  expect(await deleteFinished(broker, fence.taskId)).toBe(true);
}

test.each(["nothing", "more"])(
  "a watch of a task that ended and was deleted during an outage ends, and %s happens after that",
  async (what) => {
    await using remote = await RemoteWatching.open();
    const { other, watching } = remote;
    const running = await move(other, await begin(other, "t"), RUNNING);
    const record = new WatchRecord();
    const signal = AbortSignal.timeout(30_000);
    const watch = follow(watching, { tasks: [whole("t")] }, { record, signal });
    await until(() => record.events.get("t")?.length === 2);

    await remote.unheard(async () => {
      await endAndDelete(other, running);
    });
    await until(() => watching.line.isUp);
    if (what === "more") await live(other, await begin(other, "u"), 1);
    await watch;
    expect(signal.aborted).toBe(false);
    expect(record.failures).toMatchObject([{ taskId: "t", error: { reason: "TASK_NOT_FOUND" } }]);
  },
);

test("it ends though a replica that lags still has the task", async () => {
  await using remote = await RemoteWatching.open();
  const { other, watching } = remote;
  const running = await move(other, await begin(other, "t"), RUNNING);
  const lagging = await other.scan.newest(["t"], ["spec"]);
  const record = new WatchRecord();
  const signal = AbortSignal.timeout(30_000);
  const watch = follow(watching, { tasks: [whole("t")] }, { record, signal });
  await until(() => record.events.get("t")?.length === 2);

  const asked = vi.spyOn(LogScan.prototype, "newest");
  await remote.unheard(async () => {
    await endAndDelete(other, running);
    asked.mockClear().mockResolvedValueOnce(lagging);
  });
  await until(() => asked.mock.calls.length > 0);
  // No event comes after it that could have us look again.
  await watch;
  asked.mockRestore();
  expect(signal.aborted).toBe(false);
  expect(record.failures).toMatchObject([{ taskId: "t", error: { reason: "TASK_NOT_FOUND" } }]);
});

test("a watch by labels tells of a task that left during an outage, if it had told of it before", async () => {
  const labels = { order: "4711" };
  const before = Promise.withResolvers<Fence>();
  await using remote = await RemoteWatching.open(async (first) =>
    before.resolve(await move(first, await begin(first, "found", labels), RUNNING)),
  );
  const { other, watching } = remote;
  const found = await before.promise;
  const record = new WatchRecord();
  const stop = new AbortController();
  const watch = follow(watching, { labels }, { record, signal: stop.signal });
  await until(() => record.events.get("found")?.length === 2);
  const come = await move(other, await begin(other, "come", labels), RUNNING);
  await until(() => record.events.get("come")?.length === 2);

  await remote.unheard(async () => {
    await endAndDelete(other, found);
    await endAndDelete(other, come);
  });
  await until(() => record.failures.length === 2);
  const inOrder = record.failures.toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1));
  expect(inOrder).toMatchObject(
    ["come", "found"].map((taskId) => ({ taskId, error: { reason: "TASK_NOT_FOUND" } })),
  );
  stop.abort();
  await watch;
});
