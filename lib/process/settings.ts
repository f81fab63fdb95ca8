import { apiUrl, hostAndPort, origin } from "./addresses.ts";
import { type NatsServer, natsServers } from "./nats-server.ts";
import { type Secret, secret } from "./secret.ts";
import {
  hostName,
  listOf,
  namespaceName,
  oneOf,
  port,
  queueLimits,
  queueNames,
  SERVICE_NAMES,
  type Setting,
  text,
  waitingMs,
  wholeNumber,
} from "./setting.ts";

const ALL = SERVICE_NAMES;
const GIB = 2 ** 30;
const MAX_CONCURRENCY = 10_000;

function define<T>(setting: Setting<T>): Setting<T> {
  return setting;
}

/** Every setting of every service. docs/configuration.md is written from this table. */
export const SETTINGS = {
  natsServers: define({
    env: "NATS_SERVERS",
    help: "NATS servers, separated by commas: nats://, tls://, or ws:// and wss:// for NATS over WebSocket; with user:password@ or token@ before the host, percent-encoded, if it wants others than NATS_AUTH_TOKEN",
    fallback: natsServers("nats://127.0.0.1:4222") as readonly NatsServer[],
    parse: natsServers,
    services: ALL,
    secret: "before an @",
  }),
  natsAuthToken: define({
    env: "NATS_AUTH_TOKEN",
    help: "token to authenticate to NATS with; the nats-server that `millrace up` starts asks for it",
    fallback: undefined as Secret | undefined,
    parse: secret,
    services: ALL,
    secret: "all of it",
  }),
  namespace: define({
    env: "MILLRACE_NAMESPACE",
    help: "name of the environment, such as staging, that all it keeps in NATS carries: environments of different names share a NATS account and nothing else; see docs/operations.md",
    fallback: "",
    parse: namespaceName,
    services: ALL,
  }),
  host: define({
    env: "MILLRACE_HOST",
    help: "address to listen on; 0.0.0.0 opens the service to the network",
    fallback: "127.0.0.1",
    parse: text,
    services: ALL,
  }),
  gatewayGrpcPort: define({
    env: "MILLRACE_GATEWAY_GRPC_PORT",
    help: "port of the gateway's gRPC door; 0 = any free one",
    fallback: 50_051,
    parse: port,
    services: ["gateway"],
  }),
  gatewayHttpPort: define({
    env: "MILLRACE_GATEWAY_HTTP_PORT",
    help: "port of the gateway's Connect and gRPC-Web door, /metrics, /livez and /readyz; 0 = any free one",
    fallback: 8080,
    parse: port,
    services: ["gateway"],
  }),
  gatewayUrl: define({
    env: "MILLRACE_GATEWAY_URL",
    help: "where callers reach a gateway's Connect door, for the commands that the monitor's page shows",
    fallback: undefined as string | undefined,
    parse: apiUrl,
    services: ["monitor"],
  }),
  monitorGrpcPort: define({
    env: "MILLRACE_MONITOR_GRPC_PORT",
    help: "port of the monitor's gRPC door; 0 = any free one",
    fallback: 50_052,
    parse: port,
    services: ["monitor"],
  }),
  monitorHttpPort: define({
    env: "MILLRACE_MONITOR_HTTP_PORT",
    help: "port of the monitor's page, Connect door, /metrics, /livez and /readyz; 0 = any free one",
    fallback: 8081,
    parse: port,
    services: ["monitor"],
  }),
  workerHttpPort: define({
    env: "MILLRACE_WORKER_HTTP_PORT",
    help: "port of the worker's /metrics, /livez and /readyz; 0 = any free one",
    fallback: 8082,
    parse: port,
    services: ["worker"],
  }),
  allowedHosts: define({
    env: "MILLRACE_ALLOWED_HOSTS",
    help: "hosts that HTTP requests may name besides localhost, separated by commas; * = all; none = on a loopback address no others, else all",
    fallback: [] as readonly string[],
    parse: listOf("host", hostName),
    services: ALL,
  }),
  corsOrigins: define({
    env: "MILLRACE_CORS_ORIGINS",
    help: "origins whose pages may call the Connect door, besides its own, separated by commas; loopback = any port of this machine, * = all",
    fallback: ["loopback"] as readonly string[],
    parse: listOf("origin", origin),
    services: ["gateway", "monitor"],
  }),
  queues: define({
    env: "MILLRACE_QUEUES",
    help: "queues, separated by commas: the gateway accepts tasks for them, the worker takes tasks from them",
    fallback: ["default"] as readonly string[],
    parse: queueNames,
    services: ALL,
  }),
  routingFile: define({
    env: "MILLRACE_ROUTING_FILE",
    help: "JSON file with the rules that say where tasks wait whose callers name no queue or no priority; see docs/operations.md",
    fallback: undefined as string | undefined,
    parse: text,
    services: ["gateway"],
  }),
  queueMaxTasks: define({
    env: "MILLRACE_QUEUE_MAX_TASKS",
    help: "tasks that may wait in one queue; more are refused with RESOURCE_EXHAUSTED",
    fallback: 1_000_000,
    parse: wholeNumber(1, 100_000_000),
    services: ALL,
  }),
  queueMaxBytes: define({
    env: "MILLRACE_QUEUE_MAX_BYTES",
    help: "bytes that the waiting tasks of one queue may take in the broker, which reserves them for each queue; none = as many as the history holds",
    fallback: undefined as number | undefined,
    parse: wholeNumber(2 ** 20, 2 ** 45),
    services: ALL,
  }),
  historyMaxBytes: define({
    env: "MILLRACE_HISTORY_MAX_BYTES",
    help: "bytes that the history of all tasks may take in the broker; above 80 % of it, the oldest tasks that have ended leave before their time; when tasks that have not ended fill 90 % of it, submits are refused; what waits takes about as much once more in its queue, so give the broker's store twice as much",
    fallback: 2 * GIB,
    parse: wholeNumber(2 ** 20, 2 ** 50),
    services: ALL,
  }),
  historyHours: define({
    env: "MILLRACE_HISTORY_HOURS",
    help: "how long an event is kept, in hours; the most and the default of how long a task is kept once it has ended (keep_for)",
    fallback: 7 * 24,
    parse: wholeNumber(1, 24 * 366),
    services: ALL,
  }),
  replicas: define({
    env: "MILLRACE_REPLICAS",
    help: "copies of the log and the queues in a NATS cluster: 1, 3 or 5",
    fallback: 1,
    parse: (given: string) => Number(oneOf("1", "3", "5")(given)),
    services: ALL,
  }),
  concurrency: define({
    env: "MILLRACE_WORKER_CONCURRENCY",
    help: "attempts that one worker runs at once",
    fallback: 16,
    parse: wholeNumber(1, MAX_CONCURRENCY),
    services: ["worker"],
  }),
  queueConcurrency: define({
    env: "MILLRACE_QUEUE_CONCURRENCY",
    help: "attempts of single queues that one worker runs at once, e.g. reports=2,default=6, within MILLRACE_WORKER_CONCURRENCY in all; queues that are not named share what is left",
    fallback: undefined as ReadonlyMap<string, number> | undefined,
    parse: queueLimits(MAX_CONCURRENCY),
    services: ["worker"],
  }),
  maxCrashes: define({
    env: "MILLRACE_MAX_CRASHES",
    help: "workers that one task may take down before it fails with WORKER_LOST",
    fallback: 3,
    parse: wholeNumber(1, 1000),
    services: ["worker"],
  }),
  isolatedHeapMb: define({
    env: "MILLRACE_ISOLATED_HEAP_MB",
    help: "memory that the objects of an isolated handler may take, in MiB; one that takes more fails with OUT_OF_MEMORY",
    fallback: 512,
    parse: wholeNumber(32, 65_536),
    services: ["worker"],
  }),
  leaveGraceMs: define({
    env: "MILLRACE_LEAVE_GRACE_MS",
    help: "how long calls and attempts that run may take to finish when the service is asked to stop, in milliseconds",
    fallback: 10_000,
    parse: waitingMs(0, 3_600_000),
    services: ALL,
  }),
  drainMs: define({
    env: "MILLRACE_DRAIN_MS",
    help: "how long a service that is asked to stop is not ready but goes on serving, for load balancers to send calls elsewhere, in milliseconds; see docs/operations.md",
    fallback: 0,
    parse: waitingMs(0, 600_000),
    services: ["gateway", "monitor"],
  }),
  openaiApiKey: define({
    env: "OPENAI_API_KEY",
    help: "key for summaries by a model; without it, a built-in extractive summarizer writes them",
    fallback: undefined as Secret | undefined,
    parse: secret,
    services: ["worker"],
    secret: "all of it",
  }),
  openaiBaseUrl: define({
    env: "OPENAI_BASE_URL",
    help: "address of an OpenAI-compatible API; not set = OpenAI's own",
    fallback: undefined as string | undefined,
    parse: apiUrl,
    services: ["worker"],
    secret: "before an @",
  }),
  summaryModel: define({
    env: "MILLRACE_SUMMARY_MODEL",
    help: "model that writes the summaries",
    fallback: "gpt-4.1-mini",
    parse: text,
    services: ["worker"],
  }),
  fetchAllowHosts: define({
    env: "MILLRACE_FETCH_ALLOW_HOSTS",
    help: "host:port pairs, separated by commas, that may be fetched although their addresses are private",
    fallback: [] as readonly string[],
    parse: listOf("host:port pair", hostAndPort),
    services: ["worker"],
  }),
  fetchTimeoutMs: define({
    env: "MILLRACE_FETCH_TIMEOUT_MS",
    help: "how long fetching a page may take, redirects included, in milliseconds",
    fallback: 20_000,
    parse: waitingMs(100, 600_000),
    services: ["worker"],
  }),
  fetchMaxBytes: define({
    env: "MILLRACE_FETCH_MAX_BYTES",
    help: "size of the largest page that is fetched, in bytes",
    fallback: 5 * 2 ** 20,
    parse: wholeNumber(1024, 2 ** 30),
    services: ["worker"],
  }),
  logLevel: define({
    env: "MILLRACE_LOG_LEVEL",
    help: "least important level that is logged: trace, debug, info, warn, error, fatal or silent",
    fallback: "info",
    parse: oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"),
    services: ALL,
  }),
  logFormat: define({
    env: "MILLRACE_LOG_FORMAT",
    help: "json, pretty, or auto: pretty on a terminal",
    fallback: "auto",
    parse: oneOf("auto", "json", "pretty"),
    services: ALL,
  }),
};

type Table = typeof SETTINGS;

/** The values in force, by the names of the table. */
type Values = { readonly [Name in keyof Table]: Table[Name]["fallback"] };

export interface Settings extends Values {
  /** The name of each for errors: the flag that it was given by, else its variable. */
  readonly givenBy: { readonly [Name in keyof Table]: string };
}
