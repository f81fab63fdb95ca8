import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { httpServer } from "#lib/process/http-server.ts";
import { openGate } from "#test/support/gate.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { historyOf, System, scriptOf } from "#test/support/system.ts";

/** A payment service that honors idempotency keys: it charges for a key once, however often it is asked. */
async function openPayments() {
  /** The attempts that asked, by key. */
  const charges = new Map<string, string[]>();
  const server = httpServer({}, async (request, response) => {
    const key = String(request.headers["idempotency-key"]);
    charges.set(key, [...(charges.get(key) ?? []), await text(request)]);
    response.end();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}/`,
    charges,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

test("a run charges once at a service that honors its key, however many workers die, and the next run charges anew", async () => {
  await using system = await System.start({ MILLRACE_MAX_CRASHES: "10" });
  await using payments = await openPayments();
  await using gate = await openGate();
  const { gateway, worker } = await system.running();
  const ids = Array.from({ length: 6 }, (_, index) => `order-${index}`);
  const { url: charge, charges } = payments;
  const script = { charge, gate: gate.url, permanent: "OUT_OF_STOCK" };
  for (const taskId of ids) {
    await gateway.client.submitTask({ taskId, spec: { input: scriptOf(script) } });
  }
  for (const _ of ids) await gate.arrived();
  const second = await system.worker();
  worker.service.kill("SIGKILL");
  for (const _ of ids) await gate.arrived();
  await system.worker();
  second.service.kill("SIGKILL");
  for (const _ of ids) await gate.arrived();
  gate.open();
  for (const taskId of ids) await historyOf(gateway, taskId);

  expect(charges.size).toBe(ids.length);
  for (const [key, attempts] of charges) {
    expect(attempts).toEqual([1, 2, 3].map((number) => `${key}/${number}`));
  }
  const again = "order-0";
  await gateway.client.retryTask({ taskId: again });
  await gate.arrived();
  gate.open();
  await historyOf(gateway, again);
  await gateway.client.deleteTask({ taskId: "order-1" });
  await gateway.client.submitTask({ taskId: "order-1", spec: { input: scriptOf({ charge }) } });
  await historyOf(gateway, "order-1");
  expect(charges.size).toBe(ids.length + 2);
  await checkLedger(system.nats.url, ids);
});
