import { expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { type Seen, watchPatiently } from "#test/support/patient-watch.ts";
import { System, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

test("a broker that is killed and restarted during a watch loses nothing and shows nothing twice", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway } = await system.running();
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ steps: 3, gate: gate.url }) },
  });
  const taskId = task?.id ?? "";
  const seen: Seen = { events: [], resumed: 0 };
  const watching = watchPatiently(() => [gateway], taskId, seen);
  await gate.arrived();
  await until(() => seen.events.some(({ facet }) => facet.case === "output"));

  await system.nats.kill("SIGKILL");
  await system.nats.restart();
  gate.open();
  await watching;

  expect(statesOf(seen.events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  const log = await checkLedger(system.nats.url, [taskId]);
  const sequences = (events: Seen["events"]) => events.map(({ sequence }) => sequence);
  expect(sequences(seen.events)).toEqual(sequences(log.get(taskId) ?? []));
});

test("an attempt that ends while the broker is away is settled when it is back", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway, worker } = await system.running();
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ gate: gate.url }) },
  });
  const taskId = task?.id ?? "";
  await gate.arrived();

  await system.nats.kill("SIGKILL");
  await worker.service.logged("broker is away");
  gate.open();
  await system.nats.restart();

  const { events } = await watchPatiently(() => [gateway], taskId);
  expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  await checkLedger(system.nats.url, [taskId]);
});

test("services that start before the broker work as soon as it is there", async () => {
  await using system = await System.start();
  await system.nats.kill("SIGTERM");
  const starting = Promise.all([system.gateway(), system.worker()]);
  await system.nats.restart();
  const [gateway] = await starting;
  await typesKnown(gateway);

  const { task } = await gateway.client.submitTask({ spec: { input: scriptOf({}) } });
  const { events } = await watchPatiently(() => [gateway], task?.id ?? "");
  expect(statesOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  await checkLedger(system.nats.url, [task?.id ?? ""]);
});
