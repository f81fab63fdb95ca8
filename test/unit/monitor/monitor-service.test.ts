import { create } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { MonitorService, OverviewSchema } from "#gen/millrace/v1/monitor_service_pb.ts";
import { monitorService } from "../../../services/monitor/monitor-service.ts";

test("callers that ask in the same moment get the same figures, which are made once", async () => {
  let made = 0n;
  const overview = () => create(OverviewSchema, { sequence: ++made });
  const transport = createRouterTransport(({ service }) => {
    service(MonitorService, monitorService(overview));
  });
  const client = createClient(MonitorService, transport);
  const stop = new AbortController();
  const first = async () => {
    const stream = client.watchOverview({}, stop)[Symbol.asyncIterator]();
    const { value } = await stream.next();
    return value?.overview?.sequence;
  };
  const asked = Array.from({ length: 50 }, first);
  const seen = await Promise.all(asked);
  const newest = await client.getOverview({});
  stop.abort();
  expect(new Set([...seen, newest.overview?.sequence]).size).toBeLessThan(5);
  expect(made).toBeLessThan(5n);
});
