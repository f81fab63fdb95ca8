import { once } from "node:events";
import { isIPv6, type Server } from "node:net";
import { isLoopbackAddress } from "#lib/process/host-name.ts";
import type { DoorOptions } from "./door.ts";
import { DoorError } from "./door-error.ts";

export function joinAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

interface Listening {
  readonly address: string;
  readonly port: number;
  /** Whether only this machine can reach it. */
  readonly onLoopback: boolean;
}

/** Opens the server's port, or says in a DoorError why it can't. */
export async function listen(
  server: Server,
  door: Pick<DoorOptions, "host" | "port" | "log" | "portSetting" | "givenBy">,
): Promise<Listening> {
  const { host, port, log, portSetting } = door;
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (error) {
    throw new DoorError(joinAddress(host, port), {
      cause: error,
      portSetting,
      hostSetting: door.givenBy?.host,
    });
  }
  // For instance no file descriptors left. Without a listener, it would end the process.
  server.on("error", (err) => log.error({ err, port }, "can't accept a connection"));
  const bound = server.address();
  const own = typeof bound === "object" && bound !== null ? bound : { port, address: host };
  return {
    port: own.port,
    address: joinAddress(host, own.port),
    onLoopback: isLoopbackAddress(own.address),
  };
}
