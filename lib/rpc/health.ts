import { Code, ConnectError } from "@connectrpc/connect";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "#gen/grpc/health/v1/health_pb.ts";
import type { Readiness } from "#lib/process/readiness.ts";
import { methodsOf, type Services } from "./services.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ServingStatus;

/** The same services, and grpc.health.v1 for them: all are as ready as the process. "" means the process itself. */
export function withHealth(services: Services, readiness: Readiness): Services {
  const known = new Set(["", ...methodsOf(services).map(({ method }) => method.parent.typeName)]);
  return {
    registry: services.registry,
    routes(router) {
      services.routes(router);
      router.service(Health, {
        check({ service }) {
          if (known.has(service)) return { status: statusOf(readiness) };
          throw new ConnectError(`there is no service ${service} here`, Code.NotFound);
        },
        list() {
          const status = statusOf(readiness);
          return { statuses: Object.fromEntries([...known].map((name) => [name, { status }])) };
        },
        async *watch({ service }, { signal }) {
          // Not an error, says the protocol: the service may come to be.
          const status = () => (known.has(service) ? statusOf(readiness) : SERVICE_UNKNOWN);
          for await (const newest of follow(readiness, status, signal)) yield { status: newest };
        },
      });
    },
  };
}

function statusOf({ ready }: Readiness): ServingStatus {
  return ready ? SERVING : NOT_SERVING;
}

/** The status now, and whenever it has changed, until the signal aborts. */
async function* follow(
  readiness: Readiness,
  status: () => ServingStatus,
  signal: AbortSignal,
): AsyncGenerator<ServingStatus> {
  let wake = Promise.withResolvers<void>();
  using _listening = readiness.onChange(() => wake.resolve());
  signal.addEventListener("abort", () => wake.resolve(), { once: true });
  let sent: ServingStatus | undefined;
  while (!signal.aborted) {
    wake = Promise.withResolvers();
    const newest = status();
    if (newest !== sent) yield newest;
    sent = newest;
    await wake.promise;
  }
}
