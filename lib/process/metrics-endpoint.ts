import type { ServerResponse } from "node:http";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Endpoint } from "./health-endpoints.ts";
import { failAnswer } from "./http-server.ts";
import type { Log } from "./log.ts";

/** A registry for a service's metrics, with those that Node has of the process. */
export function metricsRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Tells Prometheus at /metrics what is in the registry. */
export function metricsEndpoint(registry: Registry, log: Log): Endpoint {
  return (request, response) => {
    const { method, url } = request;
    if (url?.split("?")[0] !== "/metrics" || (method !== "GET" && method !== "HEAD")) return false;
    answer(registry, response).catch((error) => {
      log.error({ err: error }, "metrics can't be told");
      failAnswer(response);
    });
    return true;
  };
}

async function answer(registry: Registry, response: ServerResponse): Promise<void> {
  const body = await registry.metrics();
  response.writeHead(200, { "content-type": registry.contentType, "cache-control": "no-store" });
  response.end(body);
}
