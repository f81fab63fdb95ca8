import { expect, test } from "vitest";
import { openGate } from "#test/support/gate.ts";
import { System, scriptOf } from "#test/support/system.ts";

test("services that are asked to stop while they start do so within seconds", async () => {
  await using system = await System.start();
  const mains = ["services/gateway/main.ts", "services/worker/main.ts", "services/monitor/main.ts"];
  for (const main of [...mains, ...mains]) {
    await using service = system.spawn(main);
    // As soon as it listens for signals, with its first requests to the broker under way.
    await service.logged("broker is up");
    service.kill("SIGTERM");
    expect(await service.exited).toBe(0);
  }
});

test("a worker whose handler ignores its signal leaves all the same", async () => {
  await using system = await System.start({ MILLRACE_LEAVE_GRACE_MS: "0" });
  await using gate = await openGate();
  const { gateway, worker } = await system.running();
  await gateway.client.submitTask({ spec: { input: scriptOf({ gate: gate.url, deaf: true }) } });
  await gate.arrived();
  const askedAt = Date.now();
  worker.service.kill("SIGTERM");
  expect(await worker.service.exited).toBe(0);
  expect(Date.now() - askedAt).toBeLessThan(15_000);
});

test("a second signal ends a worker at once, whatever it has to finish", async () => {
  await using system = await System.start();
  await using gate = await openGate();
  const { gateway, worker } = await system.running();
  await gateway.client.submitTask({ spec: { input: scriptOf({ gate: gate.url }) } });
  await gate.arrived();
  worker.service.kill("SIGTERM");
  await worker.service.logged("worker leaves");
  worker.service.kill("SIGTERM");
  // Ended by the signal, so without a code.
  expect(await worker.service.exited).toBeNull();
});
