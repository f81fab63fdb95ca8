import { expect, test } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { TcpProxy } from "#test/support/tcp-proxy.ts";
import { until } from "#test/support/until.ts";
import { deleteFinished } from "../../../services/gateway/delete.ts";
import { begin, live, move } from "./lived-tasks.ts";
import { follow, openWatching, WatchRecord, whole } from "./watch-record.ts";

test.each(["nothing", "more"])(
  "a watch of a task that ended and was deleted during an outage ends, and %s happens after that",
  async (what) => {
    await using nats = await startTestNats();
    await using line = await TcpProxy.open(nats.port);
    await using other = await openTestBroker(nats.url);
    await using broker = await openTestBroker(line.url);
    await using watching = await openWatching(broker);
    const running = await move(other, await begin(other, "t"), TaskState.RUNNING);
    const record = new WatchRecord();
    const signal = AbortSignal.timeout(30_000);
    const watch = follow(watching, { tasks: [whole("t")] }, { record, signal });
    await until(() => record.events.get("t")?.length === 2);

    line.silence("to broker", "to client");
    line.cut();
    await until(() => !watching.line.isUp);
    await move(other, running, TaskState.SUCCEEDED);
    expect(await deleteFinished(other, "t")).toBe(true);
    line.heal();
    await until(() => watching.line.isUp);
    if (what === "more") await live(other, await begin(other, "u"), 1);
    await watch;
    expect(signal.aborted).toBe(false);
    expect(record.failures).toMatchObject([{ taskId: "t", error: { reason: "TASK_NOT_FOUND" } }]);
  },
);
