import { resolve } from "node:path";
import { isOpenToNetwork, openToNetwork } from "#lib/process/open-to-network.ts";
import { VERSION } from "#lib/process/version.ts";
import { shownDuration } from "../terminal/duration.ts";
import { paintFor } from "../terminal/paint.ts";
import { addressOf, boundTo, type Doors } from "./doors.ts";
import type { System } from "./system.ts";
import { tryThis } from "./try-this.ts";

/** What listens where, and what to try, in one block. */
export async function readyText(system: System, doors: Doors, dataDir: string): Promise<string> {
  const { host } = doors.gatewayGrpc;
  const isOpen = await isOpenToNetwork(host);
  const paint = paintFor(process.stdout);
  const row = (name: string, where: string, what: string) =>
    `  ${name.padEnd(8)} ${where.padEnd(22)}  ${paint("dim", what)}`;
  const ready = `Millrace ${VERSION} is ready in ${shownDuration(sinceStartMs())}.`;
  const metrics = `figures, /metrics; gRPC on ${boundTo(doors.monitorGrpc)}`;
  return [
    `${paint(["bold", "green"], ready)} Ctrl-C stops it.`,
    "",
    row("gRPC", boundTo(doors.gatewayGrpc), "for backends and grpcurl"),
    row("Connect", `http://${boundTo(doors.gatewayHttp)}`, "for browsers and curl"),
    row("monitor", `http://${boundTo(doors.monitorHttp)}`, metrics),
    row("NATS", system.natsUrl, `data and logs in ${resolve(dataDir)}`),
    ...(isOpen ? ["", paint(["bold", "yellow"], `Warning: ${openToNetwork(host)}.`)] : []),
    "",
    "Try one of these:",
    "",
    ...tryThis(doors).map((command) => paint("cyan", command)),
    "",
    "",
  ].join("\n");
}

/** The same for programs, and the process ids. */
export function readyJson(system: System, doors: Doors): string {
  const facts = {
    ready: true,
    readyMs: Math.round(sinceStartMs()),
    gatewayGrpc: addressOf(doors.gatewayGrpc),
    gatewayHttp: addressOf(doors.gatewayHttp),
    monitorGrpc: addressOf(doors.monitorGrpc),
    monitorHttp: addressOf(doors.monitorHttp),
    nats: system.natsUrl,
    pids: system.pids,
  };
  return `${JSON.stringify(facts)}\n`;
}

/** The whole start, Node's own included. */
function sinceStartMs(): number {
  return performance.now();
}
