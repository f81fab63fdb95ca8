import supported from "../../../deploy/nats-server.json" with { type: "json" };
import { BrokerUnfit } from "./broker-unfit.ts";

/** Whether a server's version is new enough. A release candidate of the floor itself is not. */
export function isAtLeast(version: string, floor: string): boolean {
  const [release = "", preRelease] = version.split("-", 2);
  const order = release.localeCompare(floor, "en", { numeric: true });
  return order > 0 || (order === 0 && preRelease === undefined);
}

/**
 * Asked of the running server: what is installed may be something else. The floor is the oldest version that has message
 * schedules and their fixes.
 */
export function refuseOldServer(version: string, url: string): void {
  if (isAtLeast(version, supported.floor)) return;
  throw new BrokerUnfit(
    `nats-server at ${url} is version ${version}; Millrace needs ${supported.floor} or newer. ` +
      "Upgrade it, or let `millrace up` bring its own.",
  );
}
