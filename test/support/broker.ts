import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import { Broker } from "#lib/broker/broker.ts";
import { laneToken, Names } from "#lib/broker/names.ts";
import type { Source } from "#lib/broker/queues/pull.ts";
import type { TopologyOptions } from "#lib/broker/topology/topology.ts";
import { natsServers } from "#lib/process/nats-server.ts";
import type { LevelToken } from "#lib/task/priority.ts";

export const QUIET = { info() {}, warn() {}, error() {} };

export const TOPOLOGY: TopologyOptions = {
  queues: ["default"],
  queueMaxTasks: 1_000_000,
  queueMaxBytes: undefined,
  historyMaxBytes: 2 ** 31,
  historyMs: 7 * 24 * 3_600_000,
  replicas: 1,
};

/** A broker that is up. */
export async function openTestBroker(
  url: string,
  topology: Partial<TopologyOptions> = {},
): Promise<Broker> {
  const broker = new Broker({
    servers: natsServers(url),
    name: "test",
    log: QUIET,
    topology: { ...TOPOLOGY, ...topology },
  });
  await Promise.race([broker.link.whenUp(AbortSignal.timeout(30_000)), broker.link.unfit]);
  return broker;
}

/** Where workers take the tasks of a lane from; without a type, those that have no lane of their own. */
export function queueSource(queue: string, level: LevelToken, type = ""): Source {
  return { stream: new Names().queueStream(queue), consumer: laneToken({ level, type }) };
}

export function specOf(queue = "default"): TaskSpec {
  return create(TaskSpecSchema, { queue });
}

/** Resolves when all that was written without waiting is stored: the log takes what one connection sends in its order. */
export async function allStored(broker: Broker): Promise<void> {
  await broker.log.begin(randomUUID(), specOf());
}
