import { BrokerUnfit } from "./broker-unfit.ts";

/** What the largest message needs with room to spare: a task's spec of 64 KiB of input, and 36 KiB of labels and the rest. */
const NEEDED_BYTES = 128 * 1024;

/** Asked before there are tasks whose results could not be stored. */
export function refuseSmallMessages(maxPayload: number, url: string): void {
  if (maxPayload >= NEEDED_BYTES) return;
  throw new BrokerUnfit(
    `nats-server at ${url} takes messages of ${maxPayload} bytes at most (max_payload); ` +
      `Millrace needs ${NEEDED_BYTES} or more. Raise max_payload in its configuration; its own default is 1MB.`,
  );
}
