import type { ConsumerConfig, StreamConfig } from "@nats-io/jetstream";

/** Settings by which a stream refuses, alters or loses what is written to it; none of them is set unless a plan names it. */
export const STREAM_UNSET: readonly (keyof StreamConfig)[] = [
  "max_msgs",
  "max_msgs_per_subject",
  "max_msg_size",
  "max_bytes",
  "max_age",
  "discard_new_per_subject",
  "no_ack",
  "subject_transform",
  "consumer_limits",
];

/** The same for consumers: what they do not hand out, give up, or vanish by. */
export const CONSUMER_UNSET: readonly (keyof ConsumerConfig)[] = [
  "max_deliver",
  "backoff",
  "inactive_threshold",
  "headers_only",
  "max_batch",
  "max_expires",
  "max_bytes",
];

/** What matters and can't be put back, or is somebody's wish and does no harm to us. */
export const TOLD: readonly (keyof StreamConfig)[] = [
  "sealed",
  "deny_delete",
  "deny_purge",
  "republish",
  "mirror",
  "sources",
];

/** The server leaves such a setting out, or tells its default, which is one of these. */
export function isUnset(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === false || value === 0 || value === -1;
}

/** A change that takes the settings away. */
export function unsetting(keys: readonly string[]): Record<string, undefined> {
  return Object.fromEntries(keys.map((key) => [key, undefined]));
}
