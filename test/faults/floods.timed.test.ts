import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { MonitorService, WatchOverviewRequestSchema } from "#gen/millrace/v1/monitor_service_pb.ts";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { GetTaskRequestSchema, TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { openGrpcClient } from "#lib/rpc/client.ts";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { memoryOf } from "#test/support/memory.ts";
import { metricsOf } from "#test/support/metrics-text.ts";
import { RawConnection } from "#test/support/raw-connection.ts";
import { enveloped, getRequest } from "#test/support/raw-http.ts";
import { grpcCall, HTTP2_START, resetFrame } from "#test/support/raw-http2.ts";
import { type Gateway, historyOf, System, scriptOf, stateOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const CALLS = sized({ short: 5_000, long: 10_000 });
const HALF_OPEN = sized({ short: 20_000, long: 100_000 });
/** Watches of a backend that are given up at once. */
const WATCHES = sized({ short: 1_000, long: 5_000 });
/** Streams of the monitor that nobody reads, on five connections. */
const UNREAD_STREAMS = 500;
const CONNECTIONS = 5;
/** The shortest interval that may be asked for. */
const INTERVAL_MS = 200;
/** What others ask for meanwhile, one after the other. */
const BESIDE = sized({ short: 50, long: 500 });
const LIMIT_MS = sized({ short: 120_000, long: 600_000 });
/** Not what is measured: the machine of a test may be busy. */
const ANSWER_WITHIN_MS = 5_000;
/** Of one connection. */
const MAX_GROWTH_MIB = 200;

const PATH = "/millrace.v1.TaskService/GetTask";
const get = create(GetTaskRequestSchema, { taskId: "large" });
const MESSAGE = enveloped(toBinary(GetTaskRequestSchema, get));
const JSON_MESSAGE = encodeURIComponent(toJsonString(GetTaskRequestSchema, get));
const CALL_BY_GET = getRequest(`${PATH}?encoding=json&connect=v1&message=${JSON_MESSAGE}`);
/** Near the most that a task keeps. */
const LARGE_BYTES = 60_000;
const CANCEL = 8;

function many(count: number, of: (stream: number) => readonly Buffer[]): Buffer[] {
  return Array.from({ length: count }, (_, index) => of(1 + 2 * index)).flat();
}

const call = (stream: number) => grpcCall(stream, PATH, MESSAGE);
const canceled = (stream: number) => [...call(stream), resetFrame(stream, CANCEL)];
const halfOpen = (stream: number) => call(stream).slice(0, 1);

interface Flood {
  readonly name: string;
  readonly at: "address" | "url";
  readonly reads: "reading" | "unread";
  readonly bytes: readonly Buffer[];
  /** Whether the gateway ends the connection. */
  readonly cut?: true;
}

const FLOODS: readonly Flood[] = [
  {
    name: "calls that are canceled at once",
    at: "address",
    reads: "reading",
    bytes: [HTTP2_START, ...many(CALLS, canceled)],
    cut: true,
  },
  {
    name: "calls whose answers are not read",
    at: "address",
    reads: "unread",
    bytes: [HTTP2_START, ...many(CALLS, call)],
  },
  {
    name: "calls without an end",
    at: "address",
    reads: "reading",
    bytes: [HTTP2_START, ...many(HALF_OPEN, halfOpen)],
    cut: true,
  },
  {
    name: "pipelined calls whose answers are not read",
    at: "url",
    reads: "unread",
    bytes: Array.from({ length: CALLS }, () => CALL_BY_GET),
    cut: true,
  },
];

/** Reads the whole answer, so that the next one comes on the same connection. */
async function expectReady(url: string): Promise<void> {
  const response = await fetch(`${url}/readyz`);
  await response.text();
  expect(response.status).toBe(200);
}

/** How long the longest of some calls took, one after the other. */
async function longestOf(ask: () => Promise<unknown>): Promise<number> {
  let longestMs = 0;
  for (let asked = 0; asked < BESIDE; asked += 1) {
    const before = performance.now();
    await ask();
    longestMs = Math.max(longestMs, performance.now() - before);
  }
  return longestMs;
}

function beside({ client, url }: Gateway): Promise<number> {
  return longestOf(async () => {
    await client.getTask({ taskId: "small" }, { timeoutMs: ANSWER_WITHIN_MS });
    await expectReady(url);
  });
}

function portOf(address: unknown): number {
  return Number(String(address).split(":").at(-1));
}

async function socketsOf({ url }: Gateway): Promise<number> {
  const { samples } = await metricsOf(url);
  const handles = samples.filter(({ name }) => name === "nodejs_active_handles");
  return handles.find(({ labels }) => labels["type"] === "Socket")?.value ?? 0;
}

/** Watches a task often on one connection, and gives all but one of the watches up at once. */
async function giveUpWatches({ address, client }: Gateway): Promise<void> {
  await client.submitTask({
    taskId: "endless",
    spec: { input: scriptOf({ steps: 1, idleMs: LIMIT_MS }) },
  });
  using connection = openGrpcClient({ address });
  const backend = connection.of(TaskService);
  const leaving = new AbortController();
  const updates = backend.watchTask({ taskId: "endless" });
  const stayed = Array.fromAsync(updates, ({ update }) => update?.kind);
  const answered = async () => {
    const given = backend.watchTask({ taskId: "endless" }, leaving);
    await given[Symbol.asyncIterator]().next();
  };
  await Promise.all(Array.from({ length: WATCHES }, answered));
  leaving.abort();
  await client.cancelTask({ taskId: "endless" });
  const last = (await stayed).at(-1);
  expect(last?.case === "event" && stateOf(last.value)).toBe(TaskState.CANCELED);
}

faultRow(
  "one caller's flood of calls is held or cut: others are answered meanwhile, and it takes little memory",
  async ({ figure }) => {
    await using system = await System.start();
    const { gateway } = await system.running();
    const { client, service } = gateway;
    for (const taskId of ["small", "large"]) {
      const outputBytes = taskId === "large" ? LARGE_BYTES : 0;
      await client.submitTask({ taskId, spec: { input: scriptOf({ outputBytes }) } });
      await historyOf(gateway, taskId);
    }
    await giveUpWatches(gateway);
    figure("longest answer without a flood", `${Math.round(await beside(gateway))} ms`);
    const sockets = await socketsOf(gateway);

    for (const { name, at, reads, bytes, cut } of FLOODS) {
      const before = await memoryOf(service.pid);
      using flood = await RawConnection.open(portOf(gateway[at]), reads);
      const began = performance.now();
      const cutMs = flood.closed.then(() => performance.now() - began);
      void flood.send(...bytes);
      const longestMs = await beside(gateway);
      if (cut) figure(`${name}: cut after`, `${Math.round(await cutMs)} ms`);
      const held = (await memoryOf(service.pid)) - before;
      figure(`${name}: longest answer beside`, `${Math.round(longestMs)} ms`);
      figure(`${name}: memory`, `${held} MiB more than ${before}`);
      expect(held, name).toBeLessThan(MAX_GROWTH_MIB);
      flood[Symbol.dispose]();
      await until(async () => (await socketsOf(gateway)) <= sockets);
    }
    figure("memory in the end", `${await memoryOf(service.pid)} MiB`);
    expect(service.hasExited, service.stderr).toBe(false);
  },
  LIMIT_MS,
);

faultRow(
  "readers of the overview that do not read hold up nobody",
  async ({ figure }) => {
    await using system = await System.start();
    const monitor = await system.monitor();
    const { grpc } = await monitor.service.logged("monitor is up");
    using connection = openGrpcClient({ address: String(grpc) });
    const client = connection.of(MonitorService);
    const request = create(WatchOverviewRequestSchema, { interval: durationFromMs(INTERVAL_MS) });
    const message = enveloped(toBinary(WatchOverviewRequestSchema, request));
    const watch = (stream: number) =>
      grpcCall(stream, "/millrace.v1.MonitorService/WatchOverview", message);
    using unread = new DisposableStack();
    for (let opened = 0; opened < CONNECTIONS; opened += 1) {
      const reader = unread.use(await RawConnection.open(portOf(grpc), "unread"));
      void reader.send(HTTP2_START, ...many(UNREAD_STREAMS / CONNECTIONS, watch));
    }
    const longestMs = await longestOf(async () => {
      await client.getOverview({}, { timeoutMs: ANSWER_WITHIN_MS });
      await expectReady(monitor.url);
    });
    figure("longest answer beside", `${Math.round(longestMs)} ms`);
  },
  LIMIT_MS,
);
