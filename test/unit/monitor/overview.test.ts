import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { HistoryLevel } from "#gen/millrace/v1/monitor_service_pb.ts";
import { liveWorkers } from "#test/support/live-workers.ts";
import { type Known, overviewOf } from "../../../services/monitor/overview.ts";
import type { QueueStanding } from "../../../services/monitor/queue-depths.ts";
import { at, MadeUpLog } from "./made-up-log.ts";

const NOTHING = new Map<string, never>();
const EMPTY: QueueStanding = {
  waiting: 0,
  inFlight: 0,
  types: NOTHING,
  oldestMs: NOTHING,
  pause: undefined,
};

function overviewAt(seconds: number, log: MadeUpLog, known: Partial<Known> = {}) {
  return overviewOf({
    figures: log.folded(),
    depths: new Map(),
    workers: liveWorkers(),
    upToDate: true,
    gatewayUrl: undefined,
    namespace: "",
    history: undefined,
    mayName: () => true,
    nowMs: at(seconds),
    ...known,
  });
}

test("a queue that is configured is shown before its first task, one that is not when it has one", () => {
  const log = new MadeUpLog().accepted(0, "a", { queue: "bulk" });
  const depths = new Map([["default", { ...EMPTY, waiting: 3, inFlight: 2 }]]);
  const { queues } = overviewAt(5, log, { depths });
  expect(queues).toMatchObject([
    { name: "bulk", tasks: { queued: 1n }, depth: 0n },
    { name: "default", tasks: { queued: 0n }, depth: 3n, inFlight: 2n },
  ]);
  expect(queues[1]?.oldestWaitingAge).toBeUndefined();
});

test("a queue tells its types, how long the oldest task waits, and which types nobody serves", () => {
  const types = new Map([
    ["a.Served", { waiting: 1, inFlight: 1 }],
    ["b.Unserved", { waiting: 2, inFlight: 0 }],
    ["c.Leaving", { waiting: 0, inFlight: 1 }],
    ["d.Lost", { waiting: 0, inFlight: 1 }],
  ]);
  const oldestMs = new Map([
    ["a.Served", 1_000],
    ["b.Unserved", 5_000],
  ]);
  const depths = new Map([["mail", { ...EMPTY, waiting: 3, inFlight: 3, types, oldestMs }]]);
  const queues = ["mail"];
  const workers = liveWorkers(
    { id: "w", queues, taskTypes: ["a.Served"] },
    { id: "x", queues, taskTypes: ["c.Leaving"], leaving: true, running: 1 },
  );
  const overview = overviewAt(5, new MadeUpLog(), { depths, workers });
  expect(overview.queues).toMatchObject([
    {
      // As many as its types say.
      depth: 4n,
      inFlight: 2n,
      oldestWaitingAge: durationFromMs(5_000),
      unserved: 3n,
      notServed: false,
      types: [
        { name: "a.Served", waiting: 1n, unserved: false },
        {
          name: "b.Unserved",
          waiting: 2n,
          unserved: true,
          oldestWaitingAge: durationFromMs(5_000),
        },
        { name: "c.Leaving", waiting: 0n, inFlight: 1n, unserved: false },
        { name: "d.Lost", waiting: 1n, inFlight: 0n, unserved: true },
      ],
    },
  ]);
});

test("a queue in which tasks wait, and from which no worker that is alive takes any, is not served", () => {
  const standing = { ...EMPTY, waiting: 1 };
  const depths = new Map([
    ["default", standing],
    ["dropped", standing],
    ["empty", { ...standing, waiting: 0 }],
  ]);
  const workers = liveWorkers({ id: "w", queues: ["default"] });
  const { queues } = overviewAt(5, new MadeUpLog(), { depths, workers });
  expect(queues.map(({ name, notServed }) => [name, notServed])).toEqual([
    ["default", false],
    ["dropped", true],
    ["empty", false],
  ]);
});

test("a type's figures come from all its queues", () => {
  const log = new MadeUpLog();
  for (const [id, queue] of [["a", "bulk"] as const, ["b", "mail"] as const]) {
    log
      .accepted(0, id, { queue })
      .started(1, id)
      .succeeded(id === "a" ? 2 : 5, id);
  }
  expect(overviewAt(5, log).taskTypes).toMatchObject([
    {
      name: "test.v1.Work",
      tasks: { succeeded: 2n },
      runTime: { count: 2n, p50Seconds: 1, maxSeconds: 4 },
      rates: { succeededPerSecond: 2 / 60 },
    },
  ]);
});

test("workers that are alive come first, and those that are gone keep what they did", () => {
  const log = new MadeUpLog();
  for (const workerId of ["worker-a", "worker-b"]) {
    log.accepted(0, workerId).started(1, workerId, { workerId });
    log.succeeded(2, workerId, { workerId });
  }
  const workers = liveWorkers(
    { id: "worker-c", concurrency: 8 },
    { id: "worker-b", concurrency: 8 },
  );
  expect(overviewAt(5, log, { workers }).workers).toMatchObject([
    { worker: { id: "worker-b", concurrency: 8 }, alive: true, succeeded: 1n },
    { worker: { id: "worker-c", concurrency: 8 }, alive: true, succeeded: 0n },
    { worker: { id: "worker-a", concurrency: 0 }, alive: false, succeeded: 1n },
  ]);
});

test("of the workers that are gone, the 100 seen last are shown", () => {
  const log = new MadeUpLog();
  for (let number = 0; number < 150; number += 1) {
    const workerId = `worker-${String(number).padStart(3, "0")}`;
    log.accepted(number, workerId).started(number, workerId, { workerId });
  }
  const { workers } = overviewAt(200, log);
  expect(workers).toHaveLength(100);
  expect(workers[0]?.worker?.id).toBe("worker-050");
});

const GIB = 2 ** 30;

test.each([
  [0, HistoryLevel.ROOMY],
  [0.75, HistoryLevel.ROOMY],
  [0.76, HistoryLevel.FILLING],
  [0.81, HistoryLevel.NEARLY_FULL],
])("a history of which %d is taken says what that means", (share, level) => {
  const usage = { bytes: Math.trunc(share * GIB), maxBytes: GIB, events: 3, maxEvents: -1 };
  const history = { ...usage, nowMs: at(5), oldestMs: at(1) };
  expect(overviewAt(5, new MadeUpLog(), { history }).history).toMatchObject({
    bytes: BigInt(Math.trunc(share * GIB)),
    maxBytes: BigInt(GIB),
    share: expect.closeTo(share),
    level,
    oldestEventTime: timestampFromMs(at(1)),
  });
});

test("a history that has no limit, and nothing in it, says so", () => {
  const usage = { bytes: 0, maxBytes: -1, events: 0, maxEvents: -1 };
  const history = { ...usage, nowMs: at(5), oldestMs: undefined };
  const overview = overviewAt(5, new MadeUpLog(), { history });
  expect(overview.history).toMatchObject({ maxBytes: 0n, share: 0, level: HistoryLevel.ROOMY });
  expect(overview.history?.oldestEventTime).toBeUndefined();
});
