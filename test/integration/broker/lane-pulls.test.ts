import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { Broker } from "#lib/broker/broker.ts";
import { laneFor } from "#lib/broker/names.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import { LanePulls } from "#lib/broker/queues/lane-pulls.ts";
import { natsServers } from "#lib/process/nats-server.ts";
import { QUIET, specOf, TOPOLOGY } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";

const NEVER = new AbortController().signal;
const LANE = laneFor("default", "p2", "");

for (const namespace of ["", "staging"]) {
  test(`a pull is over as soon as its task has come, in namespace "${namespace}"`, async () => {
    await using nats = await startTestNats();
    const line = { servers: natsServers(nats.url), name: "test", log: QUIET };
    await using broker = new Broker({ ...line, namespace, topology: TOPOLOGY });
    await broker.link.whenUp(NEVER);
    const came = Promise.withResolvers<Delivery>();
    await using pulls = new LanePulls(broker.link.use(), {
      onTask: (delivery) => came.resolve(delivery),
      onEnd() {},
    });
    pulls.takeNext(LANE);
    expect(pulls.isOut(LANE)).toBe(true);
    await broker.queues.enqueue(create(WaitingTaskSchema, { taskId: "t", spec: specOf() }));
    expect((await came.promise).taskId).toBe("t");
    expect(pulls.isOut(LANE)).toBe(false);
  });
}
