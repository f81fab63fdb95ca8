import { BrokerUnfit } from "./broker-unfit.ts";

/** Oldest nats-server that has message schedules and their fixes. */
export const OLDEST_SERVER = "2.14.2";

export function isOlder(version: string, floor: string): boolean {
  const [parts, least] = [numbers(version), numbers(floor)];
  const at = least.findIndex((value, index) => (parts[index] ?? 0) !== value);
  return at >= 0 && (parts[at] ?? 0) < (least[at] ?? 0);
}

/** 2.15.0-RC.1 counts as 2.15.0. */
function numbers(version: string): number[] {
  return (version.split("-")[0] ?? "").split(".").map(Number);
}

/** Asked of the running server: what is installed may be something else. */
export function refuseOldServer(version: string, url: string): void {
  if (!isOlder(version, OLDEST_SERVER)) return;
  throw new BrokerUnfit(
    `nats-server at ${url} is version ${version}; Millrace needs ${OLDEST_SERVER} or newer. ` +
      "Upgrade it, or let `millrace up` bring its own.",
  );
}
