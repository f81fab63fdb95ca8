import { resolve } from "node:path";
import { VERSION } from "#lib/process/version.ts";
import { shownDuration } from "../terminal/duration.ts";
import { paintFor } from "../terminal/paint.ts";
import { addressOf, type Doors } from "./doors.ts";
import type { System } from "./system.ts";
import { tryThis } from "./try-this.ts";

/** What listens where, and what to try, in one block. */
export function readyText(system: System, doors: Doors, dataDir: string): string {
  const paint = paintFor(process.stdout);
  const row = (name: string, where: string, what: string) =>
    `  ${name.padEnd(8)} ${where.padEnd(22)}  ${paint("dim", what)}`;
  const ready = `Millrace ${VERSION} is ready in ${shownDuration(sinceStartMs())}.`;
  const metrics = `figures, /metrics; gRPC on ${addressOf(doors.monitorGrpc)}`;
  return [
    `${paint(["bold", "green"], ready)} Ctrl-C stops it.`,
    "",
    row("gRPC", addressOf(doors.gatewayGrpc), "for backends and grpcurl"),
    row("Connect", `http://${addressOf(doors.gatewayHttp)}`, "for browsers and curl"),
    row("monitor", `http://${addressOf(doors.monitorHttp)}`, metrics),
    row("NATS", system.natsUrl, `data and logs in ${resolve(dataDir)}`),
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
