import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { MonitorService, Overview } from "#gen/millrace/v1/monitor_service_pb.ts";
import { pause } from "#lib/process/pause.ts";

const DEFAULT_INTERVAL_MS = 1_000;

export function monitorService(overview: () => Overview): ServiceImpl<typeof MonitorService> {
  return {
    getOverview: () => ({ overview: overview() }),

    async *watchOverview({ interval }, { signal }) {
      const intervalMs = interval ? durationMs(interval) : DEFAULT_INTERVAL_MS;
      while (!signal.aborted) {
        yield { overview: overview() };
        await pause(intervalMs, signal);
      }
    },
  };
}
