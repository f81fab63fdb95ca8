import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { connect } from "@nats-io/transport-node";
import pLimit from "p-limit";
import { expect, test } from "vitest";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { historyOf, System, scriptOf } from "#test/support/system.ts";

/** Far below what it would take if each task found out for itself that the broker does not answer. */
const QUICKLY_MS = 20_000;
const WATCHED_AT_ONCE = 32;
const LIMIT_MS = 180_000;

test(
  "when the broker freezes amid many tasks, each that is not accepted is told soon, and none is lost",
  async () => {
    await using system = await System.start();
    const { gateway } = await system.running();
    await using watcher = await connect({ servers: system.nats.url });
    // By then it has begun, and most is still to do.
    watcher.subscribe("mr.task.many-30.spec", { max: 1, callback: () => void system.nats.pause() });
    await watcher.flush();
    const tasks = Array.from({ length: 1_000 }, (_, index) => ({
      taskId: `many-${index}`,
      spec: { input: scriptOf({}) },
    }));

    const startMs = performance.now();
    const { results } = await gateway.client.submitTasks({ tasks });
    expect(performance.now() - startMs).toBeLessThan(QUICKLY_MS);
    const errors = results.flatMap(({ outcome }) =>
      outcome.case === "error" ? [outcome.value] : [],
    );
    expect(errors.length).toBeGreaterThan(0);
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set([Code.Unavailable]));
    const retries = errors.flatMap(({ details }) =>
      details.map((each) => anyUnpack(each, RetryInfoSchema)),
    );
    expect(retries.filter(Boolean)).toHaveLength(errors.length);

    system.nats.resume();
    await gateway.ready();
    const again = await gateway.client.submitTasks({ tasks });
    expect(again.results.every(({ outcome }) => outcome.case === "accepted")).toBe(true);
    const ids = tasks.map(({ taskId }) => taskId);
    await pLimit(WATCHED_AT_ONCE).map(ids, (id) => historyOf(gateway, id));
    await checkLedger(system.nats.url, ids);
  },
  LIMIT_MS,
);
