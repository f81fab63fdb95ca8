import { create } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type MonitorService,
  type Overview,
  type WatchOverviewResponse,
  WatchOverviewResponseSchema,
} from "#gen/millrace/v1/monitor_service_pb.ts";
import { pause } from "#lib/async/pause.ts";
import { shared } from "#lib/rpc/shared-message.ts";

const DEFAULT_INTERVAL_MS = 1_000;

/** So long, all callers get the same figures: to make them costs more than to send them. */
const FRESH_MS = 100;

/** Time between two messages of all streams: with more than it serves at their intervals, each gets fewer. */
const PACE_MS = 2;

export function monitorService(overview: () => Overview): ServiceImpl<typeof MonitorService> {
  let newest: WatchOverviewResponse | undefined;
  let madeMs = -Infinity;
  let streams = 0;
  const fresh = (): WatchOverviewResponse => {
    const nowMs = performance.now();
    if (newest !== undefined && nowMs - madeMs < FRESH_MS) return newest;
    madeMs = nowMs;
    newest = shared(create(WatchOverviewResponseSchema, { overview: overview() }));
    return newest;
  };
  return {
    getOverview: () => ({ overview: fresh().overview }),

    async *watchOverview({ interval }, { signal }) {
      const intervalMs = interval ? durationMs(interval) : DEFAULT_INTERVAL_MS;
      streams += 1;
      try {
        while (!signal.aborted) {
          yield fresh();
          await pause(Math.max(intervalMs, streams * PACE_MS), signal);
        }
      } finally {
        streams -= 1;
      }
    },
  };
}
