import type { ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import { type Lane, laneOf, queueStream } from "../names.ts";

/** A lane of a queue, as the broker counts it. */
export interface LaneInfo {
  readonly lane: Lane;
  readonly counted: ConsumerInfo;
}

/** The lanes that the queue has. */
export async function listLanes(jsm: JetStreamManager, queue: string): Promise<LaneInfo[]> {
  const lanes: LaneInfo[] = [];
  const pages = jsm.consumers.list(queueStream(queue));
  for (let page = await pages.next(); page.length > 0; page = await pages.next()) {
    for (const counted of page) {
      const lane = laneOf(queue, counted.name);
      if (lane) lanes.push({ lane, counted });
    }
  }
  return lanes;
}
