import type { NatsConnection } from "@nats-io/nats-core";

/** Waits no longer for what else is sent in the turn. */
const MOST_BYTES = 32 * 1024;

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
  const flushDue = () => {
    isDue = false;
    flushNow();
  };
  protocol.flushPending = () => {
    if (protocol.outbound.size() >= MOST_BYTES) flushNow();
    else if (!isDue) {
      isDue = true;
      setImmediate(flushDue);
    }
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
