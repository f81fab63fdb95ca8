import type { ConsumerUpdateConfig, StreamUpdateConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { expect, test } from "vitest";
import { Broker } from "#lib/broker/broker.ts";
import { MOVER, Names } from "#lib/broker/names.ts";
import { natsServers } from "#lib/process/nats-server.ts";
import { openTestBroker, QUIET, specOf, TOPOLOGY } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";

const { eventsStream, scheduleStream } = new Names();
const NEVER = new AbortController().signal;

const STREAM_CHANGES: readonly Partial<StreamUpdateConfig>[] = [
  { max_msgs: 1 },
  { max_msg_size: 10 },
  { max_msgs_per_subject: 1 },
  { no_ack: true },
  { subject_transform: { src: "mr.task.*.spec", dest: "mr.task.other.{{wildcard(1)}}" } },
];

const CONSUMER_CHANGES: readonly Partial<ConsumerUpdateConfig>[] = [
  { max_deliver: 1 },
  { inactive_threshold: nanos(3_600_000) },
  { headers_only: true },
  { max_batch: 1 },
];

for (const change of STREAM_CHANGES) {
  test(`a history whose ${Object.keys(change)} was set by hand is put right, and takes tasks`, async () => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    const { streams } = broker.link.use().jsm;
    const before = await streams.info(eventsStream);
    await streams.update(eventsStream, change);
    await broker.link.repair();
    expect((await streams.info(eventsStream)).config).toEqual(before.config);
    expect(await broker.log.begin("t", specOf())).toBeDefined();
    expect(await broker.log.begin("u", specOf())).toBeDefined();
  });
}

for (const change of CONSUMER_CHANGES) {
  test(`a consumer whose ${Object.keys(change)} was set by hand is put right`, async () => {
    await using nats = await startTestNats();
    await using broker = await openTestBroker(nats.url);
    const { consumers } = broker.link.use().jsm;
    const before = await consumers.info(scheduleStream, MOVER);
    await consumers.update(scheduleStream, MOVER, change);
    await broker.link.repair();
    expect((await consumers.info(scheduleStream, MOVER)).config).toEqual(before.config);
  });
}

test("a setting that can't be put back is told once", async () => {
  await using nats = await startTestNats();
  const told: object[] = [];
  const log = { ...QUIET, warn: (fields: object) => void told.push(fields) };
  const servers = natsServers(nats.url);
  await using broker = new Broker({ servers, name: "test", log, topology: TOPOLOGY });
  await broker.link.whenUp(NEVER);
  await broker.link.use().jsm.streams.update(eventsStream, { deny_purge: true });
  await broker.link.repair();
  await broker.link.repair();
  expect(told).toEqual([{ setting: "MR_EVENTS: deny_purge" }]);
});

test("a process that starts tells of a setting that can't be put back", async () => {
  await using nats = await startTestNats();
  await using earlier = await openTestBroker(nats.url);
  await earlier.link.use().jsm.streams.update(eventsStream, { deny_purge: true });
  const told: object[] = [];
  const log = { ...QUIET, warn: (fields: object) => void told.push(fields) };
  const servers = natsServers(nats.url);
  await using broker = new Broker({ servers, name: "test", log, topology: TOPOLOGY });
  await broker.link.whenUp(NEVER);
  expect(told).toEqual([{ setting: "MR_EVENTS: deny_purge" }]);
});
