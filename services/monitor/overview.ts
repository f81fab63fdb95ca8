import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  HistoryLevel,
  type Overview,
  OverviewSchema,
} from "#gen/millrace/v1/monitor_service_pb.ts";
import type { LogUsage } from "#lib/broker/log/log-space.ts";
import type { LiveWorkers } from "#lib/broker/processes/live-workers.ts";
import { countUnserved, depthOf, describeTypes } from "#lib/broker/queues/describe-types.ts";
import { type FillLevel, fillLevelOf, shareTaken } from "#lib/task/retention.ts";
import type { DurationFigures } from "./fold/durations.ts";
import type { Figures } from "./fold/figures.ts";
import type { Series } from "./fold/series.ts";
import { oldestOf, type QueueStanding } from "./queue-depths.ts";
import { countsOf, ratesOf, seriesBy } from "./sums.ts";

/** Of the workers that are gone, only so many are told of. */
const GONE_WORKERS = 100;

/** All that is known at one time. */
export interface Known {
  readonly figures: Figures;
  /** By queue; has every queue that is configured, even one whose depth is not known yet. */
  readonly depths: ReadonlyMap<string, QueueStanding | undefined>;
  readonly workers: LiveWorkers;
  readonly upToDate: boolean;
  readonly gatewayUrl: string | undefined;
  /** Empty: the environment has no name. */
  readonly namespace: string;
  /** Undefined: not known yet. */
  readonly history: LogUsage | undefined;
  /** Whether a task may be shown with the name of its type; see InputNames. */
  readonly mayName: (type: string) => boolean;
  readonly nowMs: number;
}

export function overviewOf(known: Known): Overview {
  const { figures, nowMs } = known;
  const { series } = figures;
  return create(OverviewSchema, {
    time: timestampFromMs(nowMs),
    sequence: figures.sequence,
    upToDate: known.upToDate,
    gatewayUrl: known.gatewayUrl ?? "",
    namespace: known.namespace,
    ...(known.history && { history: historyOf(known.history) }),
    tasks: countsOf(series),
    rates: ratesOf(series, nowMs),
    queueWait: summary(figures.queueWait.figures()),
    runTime: summary(figures.runTime.figures()),
    queues: queues(known),
    taskTypes: seriesBy("type", series).map(([name, ofType]) => ({
      name,
      tasks: countsOf(ofType),
      runTime: summary(ofType[0]?.lastRunTimes.figures()),
      rates: ratesOf(ofType, nowMs),
    })),
    workers: workers(known),
    recentTasks: [...figures.recent.list(known.mayName)],
  });
}

const LEVELS: Readonly<Record<FillLevel, HistoryLevel>> = {
  roomy: HistoryLevel.ROOMY,
  filling: HistoryLevel.FILLING,
  "nearly full": HistoryLevel.NEARLY_FULL,
};

function historyOf(usage: LogUsage) {
  const { bytes, maxBytes, oldestMs } = usage;
  return {
    bytes: BigInt(bytes),
    maxBytes: BigInt(Math.max(0, maxBytes)),
    ...(oldestMs !== undefined && { oldestEventTime: timestampFromMs(oldestMs) }),
    share: shareTaken(usage),
    level: LEVELS[fillLevelOf(usage)],
  };
}

function summary(figures: DurationFigures | undefined) {
  return { ...figures, count: BigInt(figures?.count ?? 0) };
}

function queues(known: Known) {
  const { figures, depths, nowMs } = known;
  const served = new Set(known.workers.alive().flatMap((worker) => worker.queues));
  const seen = new Map<string, readonly Series[]>(seriesBy("queue", figures.series));
  const names = [...new Set([...depths.keys(), ...seen.keys()])].sort();
  return names.map((name) => {
    const series = seen.get(name) ?? [];
    const standing = depths.get(name);
    const depth = standing && depthOf(name, standing, known.workers);
    const oldestMs = standing && oldestOf(standing);
    return {
      name,
      tasks: countsOf(series),
      depth: BigInt(depth?.waiting ?? 0),
      inFlight: BigInt(depth?.inFlight ?? 0),
      ...(oldestMs !== undefined && { oldestWaitingAge: durationFromMs(oldestMs) }),
      rates: ratesOf(series, nowMs),
      ...(standing?.pause && { pause: standing.pause }),
      notServed: (depth?.waiting ?? 0) > 0 && !served.has(name),
      ...byType(name, standing, known),
    };
  });
}

function byType(name: string, depth: QueueStanding | undefined, { workers: live, nowMs }: Known) {
  if (!depth) return {};
  const lastSeenMs = (type: string) => {
    const silentMs = live.silentMs(type);
    return silentMs === undefined ? undefined : nowMs - silentMs;
  };
  const types = describeTypes(name, { ...depth, workers: live, lastSeenMs });
  return { types, unserved: countUnserved(types) };
}

function workers({ figures, workers: live }: Known) {
  const aliveWorkers = live.alive();
  const done = (id: string) => {
    const tally = figures.workers.get(id);
    return { succeeded: BigInt(tally?.succeeded ?? 0), failed: BigInt(tally?.failed ?? 0) };
  };
  const aliveIds = new Set(aliveWorkers.map(({ id }) => id));
  const gone = figures.workers
    .all()
    .filter(({ id }) => !aliveIds.has(id))
    .sort((a, b) => b.lastSeenMs - a.lastSeenMs)
    .slice(0, GONE_WORKERS);
  return [
    ...aliveWorkers.toSorted(byId).map((worker) => ({ worker, alive: true, ...done(worker.id) })),
    ...gone.sort(byId).map(({ id }) => ({ worker: { id }, alive: false, ...done(id) })),
  ];
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}
