import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { GetTaskRequestSchema, WatchTaskRequestSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { oneOf } from "#test/support/fleet.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { metricsOf } from "#test/support/metrics-text.ts";
import {
  enveloped,
  getRequest,
  HANG_UPS,
  postRequest,
  type Sending,
  sendAndHangUp,
} from "#test/support/raw-http.ts";
import { grpcCall, HTTP2_START, resetFrame } from "#test/support/raw-http2.ts";
import type { Service } from "#test/support/service.ts";
import { type Gateway, historyOf, System, scriptOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

/** On a busy machine a service is long in coming to the last of some thousand connections. */
const CLOSED_WITHIN_MS = 90_000;
const LIMIT_MS = sized({ short: 240_000, long: 1_800_000 });
/** From one byte at which a request is cut to the next, at most. */
const CUT_STEP = sized({ short: 10, long: 1 });
const PIPELINES = sized({ short: 300, long: 20_000 });
const LONGEST_PIPELINE = 5;
/** Streams with requests behind them; more than there are connections of other callers. */
const STREAMS = sized({ short: 40, long: 1_000 });
const LONGEST_WAIT_MS = 3;
/** Their answers have more than 64 KiB; where so much waits, Node stops reading the connection. */
const MANY_REQUESTS = 600;
/** Until these were answered, or would have been. */
const ANSWERED_MS = 100;
/** Callers that hang up at once. */
const AT_ONCE = 8;
/** RFC 9113, section 7: from NO_ERROR to HTTP_1_1_REQUIRED. */
const ERROR_CODES = 14;
/** Not what is tested; only that there is an answer. */
const ANSWER_WITHIN_MS = 10_000;

type Attack = Omit<Sending, "port">;

const TASKS = "/millrace.v1.TaskService";
const get = create(GetTaskRequestSchema, { taskId: "beside-0" });
const getBytes = Buffer.from(toBinary(GetTaskRequestSchema, get));
const getJson = encodeURIComponent(toJsonString(GetTaskRequestSchema, get));
const watch = create(WatchTaskRequestSchema, { taskId: "beside-0" });
const watchBytes = enveloped(toBinary(WatchTaskRequestSchema, watch));

/** A call by GET has no body: of several in one packet, all are read before the first is answered. */
const CALL_BY_GET = getRequest(`${TASKS}/GetTask?encoding=json&connect=v1&message=${getJson}`);

const REQUESTS: readonly Buffer[] = [
  CALL_BY_GET,
  getRequest("/millrace.v1.MonitorService/GetOverview?encoding=json&connect=v1&message=%7B%7D"),
  postRequest(`${TASKS}/GetTask`, "application/proto", getBytes),
  postRequest(`${TASKS}/GetTask`, "application/json", Buffer.from("{")),
  postRequest(`${TASKS}/WatchTask`, "application/connect+proto", watchBytes),
  postRequest(`${TASKS}/WatchTask`, "application/grpc-web+proto", watchBytes),
  getRequest("/metrics"),
  getRequest("/readyz"),
  getRequest("/"),
  getRequest("/nowhere", { connection: "upgrade", upgrade: "h2c" }),
];

/** A stream that says nothing for as long as the service is ready, and requests whose answers wait behind it. */
const BEHIND_A_STREAM = Buffer.concat([
  postRequest(
    "/grpc.health.v1.Health/Watch",
    "application/connect+json",
    enveloped(Buffer.from("{}")),
  ),
  ...Array.from({ length: MANY_REQUESTS }, () => getRequest("/readyz")),
]);

const CALLS = [
  grpcCall(1, `${TASKS}/GetTask`, enveloped(getBytes)),
  grpcCall(1, `${TASKS}/WatchTask`, watchBytes),
  grpcCall(1, "/grpc.health.v1.Health/Watch", enveloped(Buffer.alloc(0))),
  grpcCall(1, `${TASKS}/GetTask`, enveloped(getBytes), { "x-not-ascii": "caf\u00e9" }),
  grpcCall(1, `${TASKS}/Nothing`, enveloped(Buffer.alloc(0))),
  grpcCall(1, `${TASKS}/GetTask`, Buffer.from("no envelope")),
];

/** The bytes up to one point after the other, each caller hanging up in its own way. */
function cuts(bytes: Buffer, random: () => number): Attack[] {
  const attacks: Attack[] = [];
  for (let end = 0; end <= bytes.length; end += 1 + Math.floor(random() * CUT_STEP)) {
    attacks.push({ packets: [bytes.subarray(0, end)], ...leaving(random) });
  }
  return attacks;
}

function leaving(random: () => number): Omit<Attack, "packets"> {
  const hangUp = oneOf(HANG_UPS, random) ?? "reset";
  return random() < 0.5 ? { hangUp } : { hangUp, afterMs: random() * LONGEST_WAIT_MS };
}

/** Several requests in one packet, the last of them perhaps not whole. */
function pipeline(random: () => number): Attack {
  const length = 1 + Math.floor(random() * LONGEST_PIPELINE);
  const requests = Array.from({ length }, () => oneOf(REQUESTS, random) ?? CALL_BY_GET);
  const bytes = Buffer.concat(requests);
  const cut = random() < 0.5 ? bytes.length : Math.floor(random() * bytes.length);
  return { packets: [bytes.subarray(0, cut)], ...leaving(random) };
}

function onHttp1(random: () => number): Attack[] {
  return [
    ...REQUESTS.flatMap((request) => cuts(request, random)),
    ...Array.from({ length: PIPELINES }, () => pipeline(random)),
    ...Array.from({ length: STREAMS }, () => ({
      packets: [BEHIND_A_STREAM],
      hangUp: oneOf(HANG_UPS, random) ?? "reset",
      afterMs: ANSWERED_MS,
    })),
    // As it was found: one of the first four ended a gateway.
    ...Array.from({ length: 10 }, (_, index) => ({
      packets: [Buffer.concat([CALL_BY_GET, CALL_BY_GET])],
      hangUp: "reset" as const,
      afterMs: index % 3,
    })),
  ];
}

/** Cut connections, and calls that are given up with every error code, before and after they are whole. */
function onHttp2(random: () => number): Attack[] {
  return CALLS.flatMap(([head, body]) => {
    const whole = Buffer.concat([HTTP2_START, head, body]);
    const givenUp = Array.from({ length: ERROR_CODES }, (_, code) => resetFrame(1, code));
    return [
      ...cuts(whole, random),
      ...givenUp.flatMap((reset) => [
        { packets: [Buffer.concat([HTTP2_START, head, reset])], ...leaving(random) },
        { packets: [Buffer.concat([whole, reset])], ...leaving(random) },
      ]),
    ];
  });
}

interface Target {
  readonly service: Service;
  readonly port: number;
  readonly attacks: readonly Attack[];
}

async function attack({ service, port, attacks }: Target): Promise<void> {
  const left = attacks.values();
  const caller = async () => {
    for (const one of left) await sendAndHangUp({ port, ...one });
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, caller));
  } catch (cause) {
    throw new Error(`can't connect any more: ${service.stderr}${service.tail()}`, { cause });
  }
}

/** Submits and reads tasks, one after the other, until it is told to stop; says how long the longest answer took. */
async function beside({ client }: Gateway, ids: string[], signal: AbortSignal): Promise<number> {
  let longestMs = 0;
  const options = { timeoutMs: ANSWER_WITHIN_MS };
  while (!signal.aborted) {
    const asked = performance.now();
    const taskId = `beside-${ids.length}`;
    await client.submitTask({ taskId, spec: { input: scriptOf({ steps: 1 }) } }, options);
    ids.push(taskId);
    await client.getTask({ taskId }, options);
    longestMs = Math.max(longestMs, performance.now() - asked);
  }
  return longestMs;
}

/** The connections of a service, to its broker and its callers. */
async function connectionsOf(url: string): Promise<number> {
  const { samples } = await metricsOf(url);
  const handles = samples.filter(({ name }) => name === "nodejs_active_handles");
  return handles.find(({ labels }) => labels["type"] === "Socket")?.value ?? 0;
}

function portOf(address: unknown): number {
  return Number(String(address).split(":").at(-1));
}

faultRow(
  "callers that hang up at any point, of one request or of several, end no service, and callers beside them are answered",
  async ({ random, figure }) => {
    await using system = await System.start();
    const { gateway, worker } = await system.running();
    const monitor = await system.monitor();
    const { grpc: monitorGrpc } = await monitor.service.logged("monitor is up");
    const targets: readonly Target[] = [
      { service: gateway.service, port: portOf(gateway.url), attacks: onHttp1(random) },
      { service: gateway.service, port: portOf(gateway.address), attacks: onHttp2(random) },
      { service: monitor.service, port: portOf(monitor.url), attacks: onHttp1(random) },
      { service: monitor.service, port: portOf(monitorGrpc), attacks: onHttp2(random) },
      { service: worker.service, port: portOf(worker.url), attacks: onHttp1(random) },
    ];

    const urls = [gateway.url, monitor.url, worker.url];
    const before = await Promise.all(urls.map(connectionsOf));

    const ids: string[] = [];
    const done = new AbortController();
    const answered = beside(gateway, ids, done.signal);
    answered.catch(() => {});
    for (const target of targets) await attack(target);
    done.abort();
    figure("hang-ups", targets.flatMap(({ attacks }) => attacks).length);
    figure("longest submit and read beside them", `${Math.round(await answered)} ms`);

    for (const { service } of targets) expect(service.hasExited, service.stderr).toBe(false);
    for (const url of urls) expect((await fetch(`${url}/readyz`)).status).toBe(200);
    // No hang-up is overlooked, which would keep its connection for good.
    for (const [index, url] of urls.entries())
      await until(async () => (await connectionsOf(url)) <= (before[index] ?? 0), CLOSED_WITHIN_MS);
    for (const { service } of targets) expect(service.stderr).toBe("");
    for (const taskId of ids) await historyOf(gateway, taskId);
    await checkLedger(system.nats.url, ids);
  },
  LIMIT_MS,
);
