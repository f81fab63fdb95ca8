import { setTimeout } from "node:timers/promises";
import { expect } from "vitest";
import { type FaultRow, faultRow, longRow, seconds, sized } from "#test/support/fault-row.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { watchPatiently } from "#test/support/patient-watch.ts";
import { Recovery } from "#test/support/recovery.ts";
import { System, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";
import { TcpProxy, type Way } from "#test/support/tcp-proxy.ts";
import { Traffic } from "#test/support/traffic.ts";

/** Longer than the broker waits for a silent worker, which is 8 s. */
const LONGER_THAN_LEASE_MS = 9_000;
const WAYS: readonly (readonly Way[])[] = [
  ["to broker", "to client"],
  ["to broker"],
  ["to client"],
];
const ROUNDS = sized({ short: 1, long: 9 });

/** A gateway and a worker on a bad line, and others on a good one. */
async function onBadLine(
  row: FaultRow,
  damage: (line: TcpProxy, recovery: Recovery) => Promise<void>,
): Promise<void> {
  await using system = await System.start();
  await using line = await TcpProxy.open(system.nats.port);
  const onLine = { NATS_SERVERS: line.url };
  const gateways = await Promise.all([system.gateway(onLine), system.gateway()]);
  const [worker] = await Promise.all([system.worker(onLine), system.worker()]);
  await Promise.all(gateways.map(typesKnown));
  const [gateway] = gateways;
  const recovery = new Recovery({ gateway, services: [gateway, worker] });
  const traffic = new Traffic({ gateways: () => gateways, random: row.random });

  await damage(line, recovery);
  row.figure("longest recovery", recovery.figure);
  row.figure("tasks", traffic.accepted);
  await traffic.checkAll(system.nats.url, recovery.accepted);
}

faultRow(
  "a line that goes silent, both ways or one, is found out, and all work again within 5 s of its healing",
  (row) =>
    onBadLine(row, async (line, recovery) => {
      const first = Math.floor(row.random() * WAYS.length);
      for (let round = 0; round < ROUNDS; round += 1) {
        const silentAt = Date.now();
        line.silence(...(WAYS[(first + round) % WAYS.length] ?? []));
        row.figure("a submit was refused after", seconds(await recovery.refused()));
        await recovery.red();
        row.figure("found out after", seconds(Date.now() - silentAt));
        await setTimeout(LONGER_THAN_LEASE_MS - (Date.now() - silentAt) + row.random() * 3_000);
        line.heal();
        await recovery.green(Date.now());
      }
    }),
  60_000 + ROUNDS * 30_000,
);

faultRow(
  "a task on a silent line runs elsewhere, and its first worker writes nothing more",
  async (row) => {
    await using system = await System.start();
    await using line = await TcpProxy.open(system.nats.port);
    await using gate = await openGate();
    const gateway = await system.gateway();
    const cutOff = await system.worker({ NATS_SERVERS: line.url });
    await typesKnown(gateway);
    const { task } = await gateway.client.submitTask({
      spec: { input: scriptOf({ gate: gate.url, stepsAfterGate: 2 }) },
    });
    const taskId = task?.id ?? "";
    await gate.arrived();
    await system.worker();

    const silentAt = Date.now();
    line.silence("to broker", "to client");
    await gate.arrived();
    row.figure("ran elsewhere after", seconds(Date.now() - silentAt));
    gate.open();
    const { events } = await watchPatiently(() => [gateway], taskId);
    line.heal();
    await cutOff.service.logged("attempt ended", ({ written }) => written === false);

    expect(statesOf(events)).toEqual(["RUNNING 1", "RUNNING 2", "SUCCEEDED 2"]);
    const log = await checkLedger(system.nats.url, [taskId]);
    expect(log.get(taskId)).toHaveLength(events.length);
  },
);

longRow(
  "a line that is cut again and again, and slow in between, costs no task",
  (row) =>
    onBadLine(row, async (line, recovery) => {
      for (let round = 0; round < 30; round += 1) {
        line.slow(Math.round(row.random() * 100));
        await setTimeout(row.random() * 3_000);
        line.heal();
        line.cut();
        await recovery.green(Date.now());
      }
    }),
  300_000,
);
