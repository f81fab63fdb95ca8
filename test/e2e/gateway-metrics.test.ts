import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { metricsOf, sampleOf } from "#test/support/metrics-text.ts";
import { System, scriptOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

test("a gateway tells Prometheus its calls, its watches, and what its janitor does", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway } = await system.running();
  await expect(gateway.client.getTask({ taskId: "unknown" })).rejects.toMatchObject({
    code: Code.NotFound,
  });
  const { task } = await gateway.client.submitTask({
    spec: { input: scriptOf({ gate: gate.url }) },
  });
  const updates = gateway.client.watchTask({ taskId: task?.id ?? "" })[Symbol.asyncIterator]();
  await updates.next();
  await gate.arrived();
  const metrics = () => metricsOf(gateway.url);
  expect(sampleOf(await metrics(), "millrace_gateway_watchers")).toBe(1);

  gate.open();
  while (!(await updates.next()).done);
  await until(async () => sampleOf(await metrics(), "millrace_gateway_watchers") === 0);
  const calls = (await metrics()).samples.filter(
    ({ name }) => name === "millrace_gateway_calls_total",
  );
  const counted = calls.map(({ labels, value }) => [labels["method"], labels["code"], value]);
  expect(counted).toEqual(
    expect.arrayContaining([
      ["millrace.v1.TaskService/GetTask", "NOT_FOUND", 1],
      ["millrace.v1.TaskService/SubmitTask", "OK", 1],
      ["millrace.v1.TaskService/WatchTask", "OK", 1],
    ]),
  );

  await until(async () => sampleOf(await metrics(), "millrace_gateway_janitor_leader") === 1);
  const done = async () =>
    (await metrics()).samples
      .filter(({ name }) => name === "millrace_gateway_janitor_last_pass_timestamp_seconds")
      .flatMap(({ labels }) => labels["chore"] ?? []);
  const chores = ["keep_for", "orphans", "outlived", "parked", "repair", "room", "task types"];
  await until(async () => (await done()).length === chores.length);
  expect((await done()).sort()).toEqual(chores);
  await until(async () => (sampleOf(await metrics(), "millrace_gateway_history_bytes") ?? 0) > 0);
  expect(sampleOf(await metrics(), "millrace_gateway_history_max_bytes")).toBe(2 ** 31);
  expect(sampleOf(await metrics(), "millrace_gateway_parked_messages")).toBe(0);
  const { types } = await metrics();
  expect(types.get("millrace_gateway_janitor_orphans_enqueued_total")).toBe("counter");
  expect(types.has("process_cpu_seconds_total")).toBe(true);
});
