import type { Broker } from "#lib/broker/broker.ts";
import { untilAnswered } from "#lib/broker/link/request.ts";
import type { Delivery } from "#lib/broker/queues/delivery.ts";
import type { Log } from "#lib/process/log.ts";
import type { Lease } from "./lease.ts";

interface ParkOptions {
  readonly broker: Broker;
  readonly log: Log;
}

/** Puts aside what is no task, then lets go of it. The other order could lose it. */
export async function park(
  lease: Lease,
  delivery: Delivery,
  { broker, log }: ParkOptions,
): Promise<void> {
  await untilAnswered(broker.link, () => broker.unreadable.park(delivery));
  log.warn({ subject: delivery.subject }, "parked what could not be read as a task");
  lease.done();
}
