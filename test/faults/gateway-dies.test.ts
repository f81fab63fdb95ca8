import { expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { type Seen, watchPatiently } from "#test/support/patient-watch.ts";
import { type Gateway, System, scriptOf, statesOf, typesKnown } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

test("a watch goes on through another gateway where the killed one stopped", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const gateways = [await system.gateway(), await system.gateway()];
  await system.worker();
  await Promise.all(gateways.map(typesKnown));
  const [doomed, other] = gateways as [Gateway, Gateway];
  const { task } = await other.client.submitTask({
    spec: { input: scriptOf({ steps: 2, gate: gate.url }) },
  });
  const taskId = task?.id ?? "";
  const seen: Seen = { events: [], resumed: 0 };
  const watching = watchPatiently(() => gateways, taskId, seen);
  await gate.arrived();
  await until(() => seen.events.some(({ facet }) => facet.case === "output"));

  doomed.service.kill("SIGKILL");
  await until(() => seen.resumed > 0);
  gate.open();
  await watching;

  expect(statesOf(seen.events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  const log = await checkLedger(system.nats.url, [taskId]);
  expect(seen.events.map(({ sequence }) => sequence)).toEqual(
    log.get(taskId)?.map(({ sequence }) => sequence),
  );
});

test("submits that a killed gateway left unanswered are repeated with their ids, and each runs once", async () => {
  await using system = await System.start();
  const gateways = [await system.gateway(), await system.gateway()];
  await system.worker();
  await Promise.all(gateways.map(typesKnown));
  const [doomed, other] = gateways as [Gateway, Gateway];
  const ids = Array.from({ length: 200 }, (_, index) => `task-${index}`);
  const submit = ({ client }: Gateway, taskId: string) =>
    client.submitTask({ taskId, spec: { input: scriptOf({ steps: 1 }) } });

  const first = Promise.allSettled(ids.map((taskId) => submit(doomed, taskId)));
  await until(async () => {
    const { task } = await other.client.getTask({ taskId: "task-20" });
    return task !== undefined;
  });
  doomed.service.kill("SIGKILL");
  const answers = await first;
  const unanswered = ids.filter((_, index) => answers[index]?.status === "rejected");
  await Promise.all(unanswered.map((taskId) => submit(other, taskId)));
  await Promise.all(ids.map((taskId) => watchPatiently(() => [other], taskId)));

  const log = await checkLedger(system.nats.url, ids);
  for (const id of ids) {
    const states = statesOf(log.get(id) ?? []).filter((state) => state !== "QUEUED 0");
    expect(states).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
  }
});
