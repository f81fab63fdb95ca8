import type { ClusterInfo } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";

/** Servers of a cluster tell each other every second that they live. */
const SILENT_MS = 3_000;

/**
 * Whether a stream has a leader, and this leader hears from most of the servers that hold the stream. One that was cut
 * off from them goes on answering reads for 20 s and more.
 */
export function hasMajority(cluster: ClusterInfo | undefined): boolean {
  if (!cluster) return true;
  if (!cluster.leader) return false;
  const { replicas = [] } = cluster;
  const heard = replicas.filter(({ active }) => millis(active) < SILENT_MS);
  return 2 * (heard.length + 1) > replicas.length + 1;
}
