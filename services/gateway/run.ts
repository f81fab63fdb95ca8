import { createRegistry } from "@bufbuild/protobuf";
import { QueueService } from "#gen/millrace/v1/queue_service_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { historyMsOf, openBroker } from "#lib/broker/open-broker.ts";
import { Watching } from "#lib/broker/watch/watching.ts";
import { healthEndpoints } from "#lib/process/health-endpoints.ts";
import { metricsEndpoint } from "#lib/process/metrics-endpoint.ts";
import { Readiness } from "#lib/process/readiness.ts";
import { runService } from "#lib/process/run-service.ts";
import { serve } from "#lib/process/serve.ts";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import { countCalls } from "#lib/rpc/count-calls.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { withHealth } from "#lib/rpc/health.ts";
import { withReflection } from "#lib/rpc/reflection.ts";
import { chores } from "./chores.ts";
import { Janitor } from "./janitor/janitor.ts";
import { KnownTaskTypes } from "./known-task-types.ts";
import { gatewayMetrics } from "./metrics.ts";
import { QueueOverseer } from "./queue-overseer.ts";
import { gatewayRoutes } from "./routes.ts";
import { readRoutingRules } from "./routing-rules.ts";
import { WaitingReasons } from "./waiting-reasons.ts";

await runService("gateway", process, async ({ settings, log, leaving }) => {
  const rules = await readRoutingRules(settings);
  const readiness = new Readiness(["broker", "task types"]);
  await using broker = openBroker(settings, "gateway", log);
  const own = createRegistry(TaskService, QueueService);
  const types = new KnownTaskTypes(own, log, () => broker.clock.nowMs());
  await using watching = new Watching(broker.link, broker.log, log);
  using _broker = readiness.follow("broker", broker.link);
  using _log = readiness.follow("log", watching.line, "not followed");
  const { queues } = settings;
  const historyMs = historyMsOf(settings);
  const overseer = new QueueOverseer(broker, queues, log);
  const reasons = new WaitingReasons({ broker, types, overseer });
  const serving = { broker, watching, types, queues, rules, historyMs, log, overseer, reasons };
  const janitor = new Janitor({ broker, log, listening: watching, historyMs });
  const metrics = gatewayMetrics({ watching, janitor, types, overseer, link: broker.link });
  const registry = () => types.registry;
  const services = withReflection(
    withHealth({ routes: gatewayRoutes(serving), registry }, readiness),
  );
  const doors = { ...settings, services, log, observers: [countCalls(metrics.count)] };
  await using grpc = await openGrpcDoor({
    ...doors,
    port: settings.gatewayGrpcPort,
    portSetting: settings.givenBy.gatewayGrpcPort,
  });
  await using connect = await openConnectDoor({
    ...doors,
    port: settings.gatewayHttpPort,
    portSetting: settings.givenBy.gatewayHttpPort,
    endpoints: [healthEndpoints(readiness), metricsEndpoint(metrics.registry, log)],
  });
  log.info({ grpc: grpc.address, connect: connect.url }, "gateway is up");

  await serve({
    leaving,
    unfit: broker.link.unfit,
    readiness,
    drainMs: settings.drainMs,
    doors: [grpc, connect],
    chores: (signal) => chores({ broker, types, overseer, readiness, janitor }, signal),
  });
});
