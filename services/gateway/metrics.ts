import { Counter, type Registry } from "prom-client";
import type { BrokersClock } from "#lib/broker/link/brokers-clock.ts";
import type { Link } from "#lib/broker/link/link.ts";
import type { LogUsage } from "#lib/broker/log/log-space.ts";
import type { Watching } from "#lib/broker/watch/watching.ts";
import { metricsRegistry } from "#lib/process/metrics-endpoint.ts";
import { type Row, toldCounter, toldGauge } from "#lib/process/told-metrics.ts";
import type { EndedCall } from "#lib/rpc/count-calls.ts";
import type { Janitor } from "./janitor/janitor.ts";
import type { Conflict, KnownTaskTypes } from "./known-task-types.ts";
import type { QueueOverseer } from "./queue-overseer.ts";

export interface GatewayMetrics {
  readonly registry: Registry;
  /** To be called with every call that is over. */
  readonly count: (call: EndedCall) => void;
}

interface Measured {
  readonly watching: Watching;
  readonly janitor: Janitor;
  readonly types: KnownTaskTypes;
  readonly overseer: QueueOverseer;
  readonly link: Link;
}

/** What a gateway has to tell of itself. */
export function gatewayMetrics(measured: Measured): GatewayMetrics {
  const { watching, janitor, link } = measured;
  const registry = metricsRegistry();
  const calls = new Counter({
    name: "millrace_gateway_calls_total",
    help: "Calls that are over, by method and gRPC code. A stream is over when it ends.",
    labelNames: ["method", "code"],
    registers: [registry],
  });
  toldGauge({
    registry,
    name: "millrace_gateway_watchers",
    help: "Tasks that are watched now, each as often as it is.",
    rows: () => one(watching.watchers),
  });
  addTypeMetrics(registry, measured);
  toldCounter({
    registry,
    name: "millrace_gateway_history_replaced_total",
    help: "Times that the history in NATS was found to be another one, or an older copy.",
    rows: () => one(link.historyReplacements),
  });
  addJanitorMetrics(registry, janitor);
  addParkedMetrics(registry, janitor, link.clock);
  addHistoryMetrics(registry, janitor);
  return { registry, count: ({ method, code }) => calls.inc({ method, code }) };
}

function addTypeMetrics(registry: Registry, { types, overseer }: Measured): void {
  toldGauge({
    registry,
    name: "millrace_gateway_task_type_conflicts",
    help: "What does not fit together of the type: fields of releases that run side by side, an alias that is not its own.",
    labelNames: ["type"],
    rows: () => [...Map.groupBy(types.conflicts, ({ type }) => type)].map(conflictsRow),
  });
  toldGauge({
    registry,
    name: "millrace_gateway_unserved_tasks",
    help: "Tasks that wait, and whose type no live worker serves from their queue; every gateway tells all of them.",
    labelNames: ["queue", "type"],
    rows: () => overseer.unserved().map(({ tasks, ...labels }) => ({ labels, value: tasks })),
  });
}

function addJanitorMetrics(registry: Registry, janitor: Janitor): void {
  const { figures } = janitor;
  toldGauge({
    registry,
    name: "millrace_gateway_janitor_leader",
    help: "1: the janitor of this gateway is at work. 0: it stands by.",
    rows: () => one(Number(janitor.isLeading)),
  });
  toldCounter({
    registry,
    name: "millrace_gateway_janitor_orphans_enqueued_total",
    help: "Tasks that waited nowhere, and were enqueued.",
    rows: () => one(figures.orphansEnqueued),
  });
  toldCounter({
    registry,
    name: "millrace_gateway_janitor_outlived_total",
    help: "Tasks that were ended because the log was about to forget them.",
    labelNames: ["state"],
    rows: () => rowsBy("state", figures.outlived),
  });
  toldGauge({
    registry,
    name: "millrace_gateway_janitor_last_pass_timestamp_seconds",
    help: "When this gateway's janitor last did the chore.",
    labelNames: ["chore"],
    rows: () => rowsBy("chore", figures.lastPasses, 1_000),
  });
  toldCounter({
    registry,
    name: "millrace_gateway_janitor_failures_total",
    help: "Times that a chore could not be done.",
    labelNames: ["chore"],
    rows: () => rowsBy("chore", figures.failures),
  });
}

/** Only the one that looks can tell how full it is. */
function addHistoryMetrics(registry: Registry, janitor: Janitor): void {
  const usage = () => (janitor.isLeading ? janitor.figures.usage : undefined);
  toldGauge({
    registry,
    name: "millrace_gateway_history_bytes",
    help: "Bytes that the history of all tasks takes; told by the janitor at work.",
    rows: () => one(usage()?.bytes),
  });
  toldGauge({
    registry,
    name: "millrace_gateway_history_max_bytes",
    help: "Bytes that it may take; above 80 % the oldest tasks that have ended leave before their time.",
    rows: () => one(usage()?.maxBytes),
  });
  toldGauge({
    registry,
    name: "millrace_gateway_history_oldest_age_seconds",
    help: "Age of the oldest event in it; 0 if there is none.",
    rows: () => one(oldestAgeSeconds(usage())),
  });
  toldCounter({
    registry,
    name: "millrace_gateway_history_tasks_left_total",
    help: "Tasks that have ended and were taken out of it, for their keep_for was over, or to make room.",
    labelNames: ["reason"],
    rows: () => rowsBy("reason", janitor.figures.left),
  });
}

function oldestAgeSeconds(usage: LogUsage | undefined): number | undefined {
  return usage && (usage.oldestMs === undefined ? 0 : (usage.nowMs - usage.oldestMs) / 1_000);
}

/** Only the one that looks can tell. */
function addParkedMetrics(registry: Registry, janitor: Janitor, clock: BrokersClock): void {
  const parked = () => (janitor.isLeading ? janitor.figures.parked : undefined);
  toldGauge({
    registry,
    name: "millrace_gateway_parked_messages",
    help: "Messages that were put aside because they are no tasks; told by the janitor at work.",
    rows: () => one(parked()?.count),
  });
  toldGauge({
    registry,
    name: "millrace_gateway_parked_oldest_age_seconds",
    help: "How long the oldest of them has been there; 0 if there is none.",
    rows: () => one(parked() && ageSeconds(parked()?.oldestTime, clock.nowMs())),
  });
}

function ageSeconds(time: Date | undefined, nowMs: number): number {
  return time ? (nowMs - time.getTime()) / 1_000 : 0;
}

function conflictsRow([type, { length }]: [string, readonly Conflict[]]): Row {
  return { labels: { type }, value: length };
}

function one(value: number | undefined): Row[] {
  return value === undefined ? [] : [{ labels: {}, value }];
}

function rowsBy(label: string, values: ReadonlyMap<string, number>, unit = 1): Row[] {
  return [...values].map(([key, value]) => ({ labels: { [label]: key }, value: value / unit }));
}
