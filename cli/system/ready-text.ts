import { resolve } from "node:path";
import { isOpenToNetwork, openToNetwork } from "#lib/process/open-to-network.ts";
import { SETTINGS } from "#lib/process/settings.ts";
import { VERSION } from "#lib/process/version.ts";
import { shownDuration } from "../terminal/duration.ts";
import { joined, type Line, painted } from "../terminal/line.ts";
import { addressOf, boundTo, type Doors } from "./doors.ts";
import type { System } from "./system.ts";
import { tryThis } from "./try-this.ts";

/** What listens where, and what to try, in one block. */
export async function readyLines(system: System, doors: Doors, dataDir: string): Promise<Line[]> {
  const { host } = doors.gatewayGrpc;
  const isOpen = await isOpenToNetwork(host);
  const row = (name: string, where: string, what: string) =>
    joined(`  ${name.padEnd(8)} ${where.padEnd(22)}  `, [painted("dim", what)]);
  const ready = `Millrace ${VERSION} is ready in ${shownDuration(sinceStartMs())}.`;
  const metrics = `figures, /metrics; gRPC on ${boundTo(doors.monitorGrpc)}`;
  return [
    [painted(["bold", "green"], ready), " Ctrl-C stops it."],
    "",
    row("gRPC", boundTo(doors.gatewayGrpc), "for backends and grpcurl"),
    row("Connect", `http://${boundTo(doors.gatewayHttp)}`, "for browsers and curl"),
    row("monitor", `http://${boundTo(doors.monitorHttp)}`, metrics),
    row("NATS", system.natsUrl, `data and logs in ${resolve(dataDir)}`),
    ...(isOpen
      ? ["", [painted(["bold", "yellow"], `Warning: ${openToNetwork(host, SETTINGS.host.env)}.`)]]
      : []),
    "",
    "Try one of these:",
    "",
    ...tryThis(doors).map((command) => [painted("cyan", command)]),
    "",
  ];
}

/** The same for programs, and the process ids. */
export function readyFacts(system: System, doors: Doors) {
  return {
    ready: true,
    readyMs: Math.round(sinceStartMs()),
    gatewayGrpc: addressOf(doors.gatewayGrpc),
    gatewayHttp: addressOf(doors.gatewayHttp),
    monitorGrpc: addressOf(doors.monitorGrpc),
    monitorHttp: addressOf(doors.monitorHttp),
    nats: system.natsUrl,
    pids: system.pids,
  };
}

/** The whole start, Node's own included. */
function sinceStartMs(): number {
  return performance.now();
}
