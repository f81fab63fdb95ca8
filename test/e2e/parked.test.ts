import { Code } from "@connectrpc/connect";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { errorOf } from "#test/support/errors.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { QUEUE, queueOf, submit } from "#test/support/queues.ts";
import { testOnSharedSystem } from "#test/support/shared-system.ts";
import {
  type Gateway,
  historyOf,
  SCRIPTED_LANE,
  System,
  scriptOf,
  statesOf,
} from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const test = testOnSharedSystem();

const GARBAGE = Uint8Array.from([255, 254, 253, 0, 7]);

/** Does by hand what no service of ours does. To begin with, nothing is parked. */
async function byHand({ nats }: System) {
  const nc = await connect({ servers: nats.url });
  const jsm = await jetstreamManager(nc);
  await jsm.streams.purge("MR_PARKED");
  return {
    jsm,
    publish: (subject: string, data: Uint8Array) => jsm.jetstream().publish(subject, data),
    [Symbol.asyncDispose]: () => nc.close(),
  };
}

async function untilParked({ queues }: Gateway, count: bigint): Promise<void> {
  await until(async () => (await queues.listParkedMessages({})).total === count);
}

test("what is no task is put aside with its reason and its bytes, and neither blocks the queue nor is lost", async ({
  system,
  gateway,
}) => {
  await using hand = await byHand(system);
  await hand.publish("mr.queue.default.p0.garbage", GARBAGE);
  await hand.publish("mr.queue.default.p2.nothing", new Uint8Array());
  await hand.publish("mr.due.default.p1.due-garbage", GARBAGE);
  await untilParked(gateway, 3n);
  await submit(gateway, "behind");
  expect(statesOf(await historyOf(gateway, "behind")).at(-1)).toBe("SUCCEEDED 1");

  const { messages } = await gateway.queues.listParkedMessages({});
  const found = new Map(messages.map((message) => [message.subject, message]));
  expect([...found.keys()].sort()).toEqual([
    "mr.due.default.p1.due-garbage",
    "mr.queue.default.p0.garbage",
    "mr.queue.default.p2.nothing",
  ]);
  expect(found.get("mr.queue.default.p0.garbage")).toMatchObject({
    reason: 'its bytes are no task, and the log has none with the id "garbage"',
    data: GARBAGE,
  });
  expect(found.get("mr.due.default.p1.due-garbage")?.data).toEqual(GARBAGE);
  await until(async () => (await queueOf(gateway))?.bytes === 0n);
  expect((await hand.jsm.streams.info("MR_SCHEDULE")).state.messages).toBe(0);
});

test("parked messages are listed page by page, and deleted for good", async ({
  system,
  gateway,
}) => {
  await using hand = await byHand(system);
  for (let n = 0; n < 5; n += 1) await hand.publish(`mr.queue.default.p2.g${n}`, GARBAGE);
  await untilParked(gateway, 5n);
  const { queues } = gateway;

  const first = await queues.listParkedMessages({ pageSize: 2 });
  const one = first.messages[0]?.sequence ?? 0n;
  const [two, three, four, five] = [one + 1n, one + 2n, one + 3n, one + 4n];
  expect(first.messages.map(({ sequence }) => sequence)).toEqual([one, two]);
  const second = await queues.listParkedMessages({ pageSize: 2, afterSequence: two });
  expect(second.messages.map(({ sequence }) => sequence)).toEqual([three, four]);
  expect(second.total).toBe(5n);
  expect((await queues.listParkedMessages({ afterSequence: five })).messages).toEqual([]);
  const elsewhere = await errorOf(queues.listParkedMessages({ afterSequence: 2n ** 64n - 1n }));
  expect(elsewhere.code).toBe(Code.OutOfRange);

  const gone = { sequences: [one, two, 77n, 0n, 2n ** 64n - 1n] };
  expect(await queues.deleteParkedMessages(gone)).toMatchObject({ deleted: 2 });
  expect(await queues.deleteParkedMessages(gone)).toMatchObject({ deleted: 0 });
  expect((await queues.listParkedMessages({})).messages.map(({ sequence }) => sequence)).toEqual([
    three,
    four,
    five,
  ]);
});

test("what is as large as the broker takes is put aside too, and listed in pages that fit", async ({
  system,
  gateway,
}) => {
  await using hand = await byHand(system);
  const large = new Uint8Array(2 ** 20).fill(255);
  for (let n = 0; n < 4; n += 1) await hand.publish(`mr.queue.default.p2.large${n}`, large);
  await untilParked(gateway, 4n);
  const { messages } = await gateway.queues.listParkedMessages({ pageSize: 1_000 });
  expect(messages.length).toBeGreaterThan(0);
  expect(messages.length).toBeLessThan(4);
  expect(messages[0]?.reason).toContain("of its 1048576 bytes, the first are here");
});

test("a delivery that can't be read is run from the log, if that knows its task", async ({
  system,
  gateway,
}) => {
  await using hand = await byHand(system);
  await gateway.queues.pauseQueue({ queue: QUEUE });
  await submit(gateway, "spoilt");
  const subject = `mr.queue.default.${SCRIPTED_LANE}.spoilt`;
  await hand.jsm.streams.purge("MR_QUEUE_default", { filter: subject });
  await hand.publish(subject, GARBAGE);
  await gateway.queues.resumeQueue({ queue: QUEUE });
  expect(statesOf(await historyOf(gateway, "spoilt"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  expect((await gateway.queues.listParkedMessages({})).total).toBe(0n);
  await checkLedger(system.nats.url, ["spoilt"]);
});

test("a due message that can't be read starts its retry from the log", async ({
  system,
  gateway,
}) => {
  await using hand = await byHand(system);
  const retryPolicy = { maxAttempts: 3, initialBackoff: { seconds: 2n } };
  const spec = { input: scriptOf({ failures: 1 }), retryPolicy };
  await gateway.client.submitTask({ taskId: "retries", spec });
  await until(async () => {
    const { task } = await gateway.client.getTask({ taskId: "retries" });
    return task?.state === TaskState.RETRYING;
  });
  await until(
    async () =>
      (await hand.jsm.streams.purge("MR_SCHEDULE", { filter: "mr.schedule.*" })).purged === 1,
  );
  await hand.publish("mr.due.default.p2.retries", GARBAGE);
  expect(statesOf(await historyOf(gateway, "retries")).at(-1)).toBe("SUCCEEDED 2");
  expect((await gateway.queues.listParkedMessages({})).total).toBe(0n);
});

test("what is no task is put aside even if the place for it was deleted by hand", async () => {
  await using system = await System.start();
  const { gateway } = await system.running();
  await using hand = await byHand(system);
  await hand.jsm.streams.delete("MR_PARKED");
  await hand.publish("mr.queue.default.p2.garbage", GARBAGE);
  await untilParked(gateway, 1n);
  await until(async () => (await queueOf(gateway))?.bytes === 0n);
});
