import type { ConsumerInfo } from "@nats-io/jetstream";
import type { Dialed } from "../link/link.ts";
import { type Lane, laneOf } from "../names.ts";

/** A lane of a queue, as the broker counts it. */
export interface LaneInfo {
  readonly lane: Lane;
  readonly counted: ConsumerInfo;
}

/** The lanes that the queue has. */
export async function listLanes({ jsm, names }: Dialed, queue: string): Promise<LaneInfo[]> {
  const lanes: LaneInfo[] = [];
  const pages = jsm.consumers.list(names.queueStream(queue));
  for (let page = await pages.next(); page.length > 0; page = await pages.next()) {
    for (const counted of page) {
      const lane = laneOf(queue, counted.name);
      if (lane) lanes.push({ lane, counted });
    }
  }
  return lanes;
}
