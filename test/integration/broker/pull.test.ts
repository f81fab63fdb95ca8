import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { takeNow } from "#lib/broker/queues/pull.ts";
import { openTestBroker, queueSource, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";

/** A line to the broker that is cut behind the first task that it delivers. */
async function lineThatIsCut(port: number) {
  const sockets: Socket[] = [];
  let cuts = 1;
  const server = createServer((client) => {
    const broker = connect(port, "127.0.0.1");
    sockets.push(client, broker);
    client.pipe(broker);
    broker.on("data", (data) => {
      const end =
        data.indexOf("$JS.ACK") < 0 ? -1 : data.indexOf("\r\nMSG", data.indexOf("$JS.ACK"));
      const isCut = end >= 0 && cuts > 0;
      client.write(isCut ? data.subarray(0, end + 2) : data);
      if (!isCut) return;
      cuts -= 1;
      client.end();
      broker.destroy();
    });
    for (const socket of [client, broker]) socket.on("error", () => {});
    client.on("close", () => broker.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cut() {
      return cuts === 0;
    },
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test("a line that breaks in the middle of an answer does not leave the worker waiting for its end", async () => {
  await using nats = await startTestNats();
  await using filler = await openTestBroker(nats.url);
  for (const taskId of ["a", "b", "c"]) {
    await filler.queues.enqueue(create(WaitingTaskSchema, { taskId, spec: specOf() }));
  }
  using line = await lineThatIsCut(nats.port);
  await using broker = await openTestBroker(line.url);

  const taken = await takeNow(broker.link.use(), queueSource("default", "p2"), 10);
  expect(taken.length).toBeGreaterThan(0);
  expect(line.cut).toBe(true);
});
