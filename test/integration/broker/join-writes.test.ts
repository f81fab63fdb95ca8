import { setImmediate } from "node:timers/promises";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { joinWrites } from "#lib/broker/link/join-writes.ts";
import { startTestNats, type TestNats } from "#test/support/nats.ts";
import { until } from "#test/support/until.ts";

let nats: TestNats;
beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats[Symbol.asyncDispose]());

/** A connection that counts its writes. */
async function counted() {
  const nc = await connect({ servers: nats.url });
  const protocol = Reflect.get(nc, "protocol") as { transport: { send(frame: Uint8Array): void } };
  const { transport } = protocol;
  const send = transport.send.bind(transport);
  const written = { writes: 0 };
  transport.send = (frame) => {
    written.writes += 1;
    send(frame);
  };
  return { nc, written };
}

test("what is sent in one turn goes out in one write, in its order", async () => {
  const { nc, written } = await counted();
  joinWrites(nc);
  const heard: string[] = [];
  nc.subscribe("turn", { callback: (_, message) => void heard.push(message.string()) });
  await nc.flush();
  nc.publish("other", "");
  await setImmediate();
  written.writes = 0;
  for (const word of ["a", "b", "c"]) {
    nc.publish("turn", word);
    await Promise.resolve();
  }
  await until(() => heard.length === 3);
  expect(heard).toEqual(["a", "b", "c"]);
  expect(written.writes).toBe(1);
  await nc.close();
});

test("what fills the buffer does not wait", async () => {
  const { nc, written } = await counted();
  joinWrites(nc);
  written.writes = 0;
  for (let piece = 0; piece < 10; piece += 1) nc.publish("much", Buffer.alloc(20_000));
  expect(written.writes).toBeGreaterThan(2);
  await nc.close();
});

test("what was sent just before the connection is closed still goes out", async () => {
  const [{ nc }, listener] = [await counted(), await connect({ servers: nats.url })];
  joinWrites(nc);
  const heard: string[] = [];
  listener.subscribe("last", { callback: (_, message) => void heard.push(message.string()) });
  await listener.flush();
  nc.publish("last", "word");
  await nc.close();
  await until(() => heard.length === 1);
  await listener.close();
});

test("what is said by a handler that awaits only what is there already is sent meanwhile", async () => {
  const { nc, written } = await counted();
  joinWrites(nc);
  nc.publish("before", "");
  await setImmediate();
  written.writes = 0;
  for (let said = 0; said < 10; said += 1) {
    nc.publish("said", "");
    const spoken = performance.now();
    while (performance.now() < spoken + 50) await Promise.resolve();
  }
  // The first may have been said while the loop still turned.
  expect(written.writes).toBeGreaterThanOrEqual(9);
  await nc.close();
});
