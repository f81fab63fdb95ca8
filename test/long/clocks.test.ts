import { globSync } from "node:fs";
import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { describe, expect, test } from "vitest";
import { MonitorService } from "#gen/millrace/v1/monitor_service_pb.ts";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { metricsOf, sampleOf } from "#test/support/metrics-text.ts";
import {
  type Gateway,
  historyOf,
  System,
  scriptOf,
  statesOf,
  typesKnown,
} from "#test/support/system.ts";
import { until } from "#test/support/until.ts";

const [FAKETIME] = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1");
const HOUR_MS = 3_600_000;
const LATER_MS = 2_000;
/** What a busy machine may add. */
const SLACK_MS = 10_000;
/** Longer than a worker that is taken for dead keeps its task: 8 s. */
const LONG_MS = 12_000;

type Env = Readonly<Record<string, string>>;

/** A clock that is wrong, and goes on as it should. */
function offBy(shift: string): Env {
  return { LD_PRELOAD: FAKETIME ?? "", FAKETIME: shift, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}

interface Off {
  readonly gateway?: Env;
  readonly worker?: Env;
  readonly monitor?: Env;
}

const WRONG_CLOCKS: readonly (Off & { readonly what: string })[] = [
  { what: "a gateway's clock is an hour behind", gateway: offBy("-1h") },
  { what: "a gateway's clock is an hour ahead", gateway: offBy("+1h") },
  { what: "a worker's clock is an hour behind", worker: offBy("-1h") },
  { what: "a worker's clock is an hour ahead", worker: offBy("+1h") },
  { what: "a monitor's clock is an hour behind", monitor: offBy("-1h") },
  { what: "a monitor's clock is an hour ahead", monitor: offBy("+1h") },
];

describe.each(WRONG_CLOCKS)("when $what", (off) => {
  test("tasks start in time, no living worker is taken for dead, and all times are the broker's", async ({
    skip,
  }) => {
    skip(FAKETIME === undefined, "needs libfaketime (Debian: apt-get install faketime)");
    const startedMs = Date.now();
    await using system = await System.start();
    const [gateway, monitor] = await Promise.all([
      system.gateway(off.gateway),
      system.monitor(off.monitor),
      system.worker(off.worker),
      // Would get what another one is taken to have left.
      system.worker(),
    ]);
    await typesKnown(gateway, 2);
    await parkSomething(system);
    const { delayed, dated, long, retried } = await histories(gateway);
    for (const events of [delayed, dated, long]) {
      expect(attemptsOf(events)).toEqual(["RUNNING 1", "SUCCEEDED 1"]);
    }
    expect(attemptsOf(retried)).toEqual(["RUNNING 1", "RETRYING 1", "RUNNING 2", "SUCCEEDED 2"]);
    for (const events of [delayed, dated])
      expect(startedAfterMs(events)).toBeGreaterThan(LATER_MS - 500);
    for (const events of [delayed, dated, retried])
      expect(startedAfterMs(events)).toBeLessThan(LATER_MS + SLACK_MS);
    const overview = await overviewOf(monitor.url);
    expect(overview?.workers.map(({ alive }) => alive)).toEqual([true, true]);
    expect(overview?.rates?.acceptedPerSecond).toBeGreaterThan(0);
    const parkedForMs = 1_000 * (await parkedForSeconds(gateway));
    expect(Math.abs(parkedForMs)).toBeLessThan(Date.now() - startedMs);
    await gateway.queues.pauseQueue({ queue: "default" });
    const times = [
      ...[delayed, dated, long, retried].flat().map(({ time }) => time),
      overview?.time,
      ...(overview?.workers ?? []).flatMap(({ worker }) => [
        worker?.startTime,
        worker?.heartbeatTime,
      ]),
      (await gateway.queues.listQueues({})).queues[0]?.pause?.time,
    ].map((time) => time && timestampMs(time));
    const odd = times.filter((ms) => !ms || ms < startedMs - 1_000 || ms > Date.now() + 1_000);
    expect(odd).toEqual([]);
  });
});

/** Of a task that is delayed, one with a date to start and one to expire, one that takes long, and one that is retried. */
async function histories(gateway: Gateway) {
  const start = { case: "startTime", value: timestampFromMs(Date.now() + LATER_MS) } as const;
  const expiry = { case: "expireTime", value: timestampFromMs(Date.now() + HOUR_MS / 2) } as const;
  const delay = { case: "delay", value: durationFromMs(LATER_MS) } as const;
  const input = scriptOf({});
  const run = async (spec: Parameters<typeof gateway.client.submitTask>[0]["spec"]) => {
    const { task } = await gateway.client.submitTask({ spec });
    return historyOf(gateway, task?.id ?? "");
  };
  const [delayed, dated, long, retried] = await Promise.all([
    run({ input, start: delay, taskTimeout: durationFromMs(HOUR_MS / 2) }),
    run({ input, start, expiry }),
    run({ input: scriptOf({ steps: 4, idleMs: LONG_MS }) }),
    run({ input: scriptOf({ failures: 1, retryAfterMs: 300 }) }),
  ]);
  return { delayed, dated, long, retried };
}

/** That it waits in a queue between them is no news. */
function attemptsOf(events: readonly TaskEvent[]): string[] {
  return statesOf(events).filter((state) => !state.startsWith("QUEUED"));
}

/** From when it was accepted to its last start. */
function startedAfterMs(events: readonly TaskEvent[]): number {
  const [accepted, ...later] = events;
  const started = later.findLast(({ facet }) => facet.case === "state" && !facet.value.output);
  return msOf(started) - msOf(accepted);
}

/** By putting into a queue what is no task. */
async function parkSomething({ nats }: System): Promise<void> {
  const nc = await connect({ servers: nats.url });
  await jetstream(nc).publish("mr.queue.default.p0.garbage", "garbage");
  await nc.close();
}

async function parkedForSeconds({ url }: Gateway): Promise<number> {
  const sample = async (name: string) =>
    sampleOf(await metricsOf(url), `millrace_gateway_parked_${name}`);
  await until(async () => (await sample("messages")) === 1);
  return (await sample("oldest_age_seconds")) ?? Number.NaN;
}

async function overviewOf(url: string) {
  const transport = createConnectTransport({ baseUrl: url, httpVersion: "1.1" });
  return (await createClient(MonitorService, transport).getOverview({})).overview;
}

function msOf(event: TaskEvent | undefined): number {
  return event?.time ? timestampMs(event.time) : Number.NaN;
}
