import { createRegistry, type Registry } from "@bufbuild/protobuf";
import { MonitorService } from "#gen/millrace/v1/monitor_service_pb.ts";
import { openBroker } from "#lib/broker/open-broker.ts";
import { healthEndpoints } from "#lib/process/health-endpoints.ts";
import { metricsEndpoint } from "#lib/process/metrics-endpoint.ts";
import { Readiness } from "#lib/process/readiness.ts";
import { runService } from "#lib/process/run-service.ts";
import { serve } from "#lib/process/serve.ts";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { withHealth } from "#lib/rpc/health.ts";
import { withReflection } from "#lib/rpc/reflection.ts";
import { monitorMetrics } from "./metrics/monitor-metrics.ts";
import { Monitor } from "./monitor.ts";
import { monitorService } from "./monitor-service.ts";
import { pageEndpoint } from "./page.ts";

await runService("monitor", process, async ({ settings, log, leaving }) => {
  const readiness = new Readiness(["broker", "log"]);

  await using broker = openBroker(settings, "monitor", log);
  await using monitor = new Monitor({ ...settings, broker, log });
  using _broker = readiness.follow("broker", broker.link);
  using _log = readiness.follow("log", monitor.line, "not read to its end");

  const service = monitorService(() => monitor.overview());
  const own = createRegistry(MonitorService);
  const described = withReflection(
    withHealth(
      { routes: (router) => router.service(MonitorService, service), registry: () => own },
      readiness,
    ),
  );
  // After reflection, which must not tell anyone that inputs are empty.
  const registry = (): Registry => createRegistry(own, monitor.inputNames.registry);
  const doors = { ...settings, services: { ...described, registry }, log };
  await using grpc = await openGrpcDoor({
    ...doors,
    port: settings.monitorGrpcPort,
    portSetting: settings.givenBy.monitorGrpcPort,
  });
  await using connect = await openConnectDoor({
    ...doors,
    port: settings.monitorHttpPort,
    portSetting: settings.givenBy.monitorHttpPort,
    endpoints: [
      healthEndpoints(readiness),
      metricsEndpoint(monitorMetrics(monitor), log),
      await pageEndpoint(),
    ],
  });
  log.info({ grpc: grpc.address, page: connect.url }, "monitor is up");

  await serve({
    leaving,
    unfit: broker.link.unfit,
    readiness,
    drainMs: settings.drainMs,
    doors: [grpc, connect],
    chores: (signal) => monitor.follow(signal),
  });
});
