import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { longRow } from "#test/support/fault-row.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { historyOf, SCRIPTED_LANE, System, scriptOf, statesOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const QUEUE = "MR_QUEUE_default";
const NOT_YET = "what tasks are pulled from can't be put back yet";
const HOUR_NS = 3_600_000_000_000;

async function reasonsOf(url: string): Promise<Record<string, string>> {
  const answer = await fetch(`${url}/readyz`);
  const { reasons } = (await answer.json()) as { reasons?: Record<string, string> };
  return reasons ?? {};
}

test("a worker that is kept from tasks by a setting that was changed by hand says so, and puts it right", async () => {
  await using system = await System.start({ MILLRACE_WORKER_CONCURRENCY: "1" });
  await using gate = await openGate();
  const { gateway, worker } = await system.running();
  const submit = async (taskId: string, url?: string) => {
    const spec = { input: scriptOf(url ? { gate: url } : {}) };
    await gateway.client.submitTask({ taskId, spec });
  };
  await submit("first", gate.url);
  await gate.arrived();
  // One task at a time is handed out, and somebody has it who never says a word again.
  await using nc = await connect({ servers: system.nats.url });
  const jsm = await jetstreamManager(nc);
  await submit("second");
  const pull = JSON.stringify({ batch: 1, no_wait: true });
  await nc.request(`$JS.API.CONSUMER.MSG.NEXT.${QUEUE}.${SCRIPTED_LANE}`, pull, {
    noMux: true,
    timeout: 5_000,
  });
  await jsm.consumers.update(QUEUE, SCRIPTED_LANE, { max_ack_pending: 1, ack_wait: HOUR_NS });
  await submit("third");
  gate.open();
  await historyOf(gateway, "first");

  const told = await worker.service.logged("tasks wait, a slot is free, and nothing is delivered");
  expect(told).toMatchObject({ queue: "default", waiting: 1, standsMs: 15_000, freeSlots: 1 });
  for (const taskId of ["second", "third"]) {
    expect(statesOf(await historyOf(gateway, taskId))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  }
  await worker.service.logged("no standstill any more");
  await worker.ready();
  await checkLedger(system.nats.url, ["first", "second", "third"]);
});

longRow(
  "a worker that can't put it right is red and says why, once, until it can",
  async () => {
    await using system = await System.start();
    const { gateway, worker } = await system.running();
    // The first task of its type makes the lane.
    await gateway.client.submitTask({ taskId: "zero", spec: { input: scriptOf({}) } });
    await historyOf(gateway, "zero");
    await using nc = await connect({ servers: system.nats.url });
    const jsm = await jetstreamManager(nc);
    await jsm.consumers.update(QUEUE, SCRIPTED_LANE, { filter_subject: "mr.queue.default.p9.*" });
    // What a stranger may read, nobody else may: so the worker's own setting is refused.
    const stranger = {
      durable_name: "stranger",
      filter_subject: `mr.queue.default.${SCRIPTED_LANE}.*`,
    };
    await jsm.consumers.add(QUEUE, { ...stranger, ack_policy: "explicit" });
    await gateway.client.submitTask({ taskId: "one", spec: { input: scriptOf({}) } });

    await worker.service.logged(NOT_YET);
    const { queue } = await reasonsOf(worker.url);
    expect(queue).toBe(`can't be pulled from: default ${SCRIPTED_LANE}`);
    // The gateway tries too, and says so each time.
    const tries = () => gateway.service.entries.filter(({ chore }) => chore === "oversee queues");
    const before = tries().length;
    await until(() => tries().length >= before + 3);

    await jsm.consumers.delete(QUEUE, "stranger");
    expect(statesOf(await historyOf(gateway, "one"))).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    await worker.ready();
    expect(worker.service.entries.filter(({ msg }) => msg === NOT_YET)).toHaveLength(1);
    await checkLedger(system.nats.url, ["zero", "one"]);
  },
  120_000,
);
