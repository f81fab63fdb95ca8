import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ParkedMessage,
  ParkedMessageSchema,
  type Queue,
  QueueSchema,
  type QueueService,
} from "#gen/millrace/v1/queue_service_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { afterRepair } from "#lib/broker/link/request.ts";
import {
  countUnserved,
  depthOf,
  describeTypes,
  isLeft,
} from "#lib/broker/queues/describe-types.ts";
import type { Parked } from "#lib/broker/queues/parked.ts";
import { oldestWaitingMs } from "#lib/broker/queues/queue-figures.ts";
import { QueueUnknown, SequenceUnknown } from "#lib/task/errors.ts";
import type { KnownTaskTypes } from "./known-task-types.ts";
import { purgeQueue } from "./purge-queue.ts";
import type { QueueOverseer } from "./queue-overseer.ts";
import { lastSeenMs } from "./waiting-reasons.ts";

export interface QueueServiceOptions {
  readonly broker: Broker;
  readonly overseer: QueueOverseer;
  readonly types: KnownTaskTypes;
  /** Those that the gateway is configured with. */
  readonly queues: readonly string[];
}

const DEFAULT_PAGE_SIZE = 100;

/** QueueService, in terms of the broker. Requests arrive validated; errors leave as what they are. */
export function queueService(options: QueueServiceOptions): ServiceImpl<typeof QueueService> {
  const { broker, queues } = options;
  const { queueSettings: settings } = broker;
  const known = (queue: string): string => {
    if (!queues.includes(queue)) throw new QueueUnknown(queue, queues);
    return queue;
  };
  return {
    async listQueues() {
      const names = [...queues, ...(await notServed(options))].sort();
      return { queues: await Promise.all(names.map((name) => describe(name, options))) };
    },

    async pauseQueue({ queue, ...asked }) {
      await settings.pause(known(queue), asked);
      return { queue: await describe(queue, options) };
    },

    async resumeQueue({ queue }) {
      await settings.resume(known(queue));
      return { queue: await describe(queue, options) };
    },

    async purgeQueue({ queue, confirmCount, ...asked }, { signal }) {
      const confirmed = Number(confirmCount);
      // How else should tasks be got rid of whose queue was dropped?
      const isDropped = !queues.includes(queue) && (await notServed(options)).includes(queue);
      const named = isDropped ? queue : known(queue);
      const canceled = await purgeQueue(broker, named, { confirmed, asked, signal });
      return { canceled: BigInt(canceled) };
    },

    async setQueueLimits({ queue, ...limits }) {
      await afterRepair(broker.link, () => settings.limit(known(queue), limits));
      return { queue: await describe(queue, options) };
    },

    ...parkedMethods(broker),
  };
}

function parkedMethods({
  parked,
  link,
}: Broker): Pick<ServiceImpl<typeof QueueService>, "listParkedMessages" | "deleteParkedMessages"> {
  return {
    async listParkedMessages({ pageSize, afterSequence }) {
      const { count, newest } = await afterRepair(link, () => parked.depth());
      if (afterSequence > newest) throw new SequenceUnknown(afterSequence, newest);
      const most = pageSize || DEFAULT_PAGE_SIZE;
      const messages = await parked.list(Number(afterSequence), most);
      return { messages: messages.map(parkedMessage), total: BigInt(count) };
    },

    async deleteParkedMessages({ sequences }) {
      const gone = await Promise.all(
        sequences.map((sequence) => parked.delete(sequenceOf(sequence))),
      );
      return { deleted: gone.filter(Boolean).length };
    },
  };
}

/** Queues in which tasks lie, and with which this gateway is not configured. */
async function notServed({ broker, queues }: QueueServiceOptions): Promise<string[]> {
  const counts = await broker.queues.counts();
  return [...counts].flatMap(([name, count]) =>
    count > 0 && !queues.includes(name) ? [name] : [],
  );
}

/** The broker's own numbers end long before those of the contract. */
function sequenceOf(given: bigint): number {
  return Math.min(Number(given), Number.MAX_SAFE_INTEGER - 1);
}

async function describe(name: string, options: QueueServiceOptions): Promise<Queue> {
  const { broker, overseer, queues } = options;
  const [figures, oldest] = await afterRepair(broker.link, () =>
    Promise.all([
      overseer.look(name),
      oldestWaitingMs(broker.link, name, (type) => isLeft(name, type, broker.liveWorkers)),
    ]),
  );
  const { enqueued, taken, settled } = overseer.ratesOf(name);
  const { pause } = figures.settings;
  const { waiting, inFlight } = depthOf(name, figures, broker.liveWorkers);
  const types = describeTypes(name, {
    types: figures.types,
    oldestMs: oldest,
    workers: broker.liveWorkers,
    lastSeenMs: (type) => lastSeenMs(type, broker, options.types),
  });
  return create(QueueSchema, {
    name,
    waiting: BigInt(waiting),
    inFlight: BigInt(inFlight),
    ...age(oldest.size === 0 ? undefined : Math.max(...oldest.values())),
    types,
    unserved: countUnserved(types),
    rates: { enqueuedPerSecond: enqueued, takenPerSecond: taken, settledPerSecond: settled },
    maxTasks: BigInt(figures.maxTasks),
    maxBytes: BigInt(figures.maxBytes),
    bytes: BigInt(figures.bytes),
    ...(pause && { pause }),
    notServed: !queues.includes(name),
  });
}

function age(ms: number | undefined) {
  return ms === undefined ? {} : { oldestWaitingAge: durationFromMs(ms) };
}

function parkedMessage({ sequence, time, subject, reason, data }: Parked): ParkedMessage {
  return create(ParkedMessageSchema, {
    sequence: BigInt(sequence),
    time: timestampFromDate(time),
    subject,
    reason,
    data,
  });
}
