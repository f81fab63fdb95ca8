import { NatsServerError } from "./nats-server-error.ts";

const IN_USE = /listen tcp (\S+): bind: address already in use/;
const STORE = /Can't start JetStream: (.*)/;
const FATAL = /\[FTL\] (.*)/;
const LOG_PREFIX = /^\[\d+\] \S+ \S+ /;

/** Turns the last lines of a server that would not start into what to do about it. */
export function whyItStopped(lines: readonly string[], storeDir: string): NatsServerError {
  const printed = lines.join("\n");
  const inUse = IN_USE.exec(printed)?.[1];
  if (inUse) {
    const remedy = "stop what listens there, or choose another port (0 picks a free one)";
    return new NatsServerError(`${inUse} is in use: ${remedy}`, { problem: "port-in-use" });
  }
  const store = STORE.exec(printed)?.[1];
  if (store) return storeNotWritable(storeDir, store);
  const last = lines.findLast((line) => line !== "")?.replace(LOG_PREFIX, "");
  const reason = FATAL.exec(printed)?.[1] ?? last ?? "it said nothing";
  return new NatsServerError(`nats-server would not start: ${reason}`, {
    problem: "did-not-start",
  });
}

export function storeNotWritable(
  storeDir: string,
  reason: string,
  cause?: unknown,
): NatsServerError {
  return new NatsServerError(`nats-server cannot keep its data in ${storeDir}: ${reason}`, {
    problem: "store-not-writable",
    cause,
  });
}
