import type { ServerSessionOptions } from "node:http2";
import type { Server } from "@grpc/grpc-js";

/**
 * Calls that a connection may cancel: so many at once, and so many per second after that. Node allows 1,000 and 33,
 * against clients that only open calls to cancel them (CVE-2023-44487), and ends the connection with all of its calls.
 * A backend that watches for its many users through one connection cancels more than that when they leave.
 */
const ALLOWED: ServerSessionOptions = { streamResetBurst: 10_000, streamResetRate: 1_000 };

/** To be called before the server has a connection. grpc-js has no option for it, and keeps those of Node to itself. */
export function allowCancels(server: Server): void {
  const options: unknown = Reflect.get(server, "commonServerOptions");
  if (typeof options !== "object" || options === null)
    throw new Error("this release of grpc-js keeps its HTTP/2 options elsewhere");
  Object.assign(options, ALLOWED);
}
