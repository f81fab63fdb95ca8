import type { NatsConnection } from "@nats-io/nats-core";

/** Waits no longer for what else is sent in the turn. */
const MOST_BYTES = 32 * 1024;
/** A handler that awaits only what is there already keeps the event loop from turning; what it says must go out all the same. */
const STUCK_AFTER_MS = 20;

interface Protocol {
  readonly outbound: { size(): number };
  flushPending(): void;
}

/**
 * Has all that is sent in one turn of the event loop go out in one write to the socket, which costs as much as the rest of a
 * message. The client writes once a microtask, so that of many tasks under way each writes alone.
 */
export function joinWrites(nc: NatsConnection): void {
  const protocol = protocolOf(nc);
  const flushNow = protocol.flushPending.bind(protocol);
  let isDue = false;
  let turnedAtMs = Number.NEGATIVE_INFINITY;
  const isStuck = () => performance.now() - turnedAtMs > STUCK_AFTER_MS;
  const turn = () => {
    isDue = false;
    turnedAtMs = performance.now();
    flushNow();
  };
  protocol.flushPending = () => {
    if (!isDue) setImmediate(turn);
    isDue = true;
    if (protocol.outbound.size() >= MOST_BYTES || isStuck()) flushNow();
  };
  const publish = nc.publish.bind(nc);
  nc.publish = (...given) => {
    publish(...given);
    // The client asks for a flush only with the first message of many.
    if (isDue && isStuck()) flushNow();
  };
  const close = nc.close.bind(nc);
  nc.close = () => {
    flushNow();
    return close();
  };
}

/** Not covered by semver: package.json pins the version. */
function protocolOf(nc: NatsConnection): Protocol {
  const protocol: unknown = Reflect.get(nc, "protocol");
  if (typeof protocol !== "object" || protocol === null || !("flushPending" in protocol)) {
    throw new Error("this release of the NATS client keeps its protocol elsewhere");
  }
  return protocol as Protocol;
}
