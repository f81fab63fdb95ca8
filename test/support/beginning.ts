import type { Broker } from "#lib/broker/broker.ts";
import type { Beginning } from "../../services/worker/begin-attempt.ts";
import { ElbowRoom } from "../../services/worker/elbow-room.ts";
import type { PreparedHandler } from "../../services/worker/prepare-handler.ts";

/** Of a test that begins attempts without their handlers. */
const UNCALLED: PreparedHandler = {
  call: () => Promise.reject(new Error("no handler is called here")),
  [Symbol.dispose]() {},
};

/** How a worker begins attempts that has nothing else to do. */
export function beginningBy(workerId: string, broker: Broker): Beginning {
  return {
    broker,
    workerId,
    maxCrashes: 3,
    room: new ElbowRoom(),
    signal: new AbortController().signal,
    prepare: () => Promise.resolve(UNCALLED),
  };
}
