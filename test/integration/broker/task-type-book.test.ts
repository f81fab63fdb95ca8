import { create, toBinary } from "@bufbuild/protobuf";
import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { type TaskType, TaskTypeSchema } from "#gen/millrace/v1/task_type_pb.ts";
import { type Worker, WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { Announcement } from "#lib/task/announced-types.ts";
import { openTestBroker, QUIET } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";

import { until } from "#test/support/until.ts";
import { removeTaskTypes } from "../../../services/gateway/janitor/remove-task-types.ts";

const NAME = "shop.v1.SendReceipt";
const OLD_KEY = `task-type.${NAME}`;
const SELDOM = { lookEveryMs: 10, touchEveryMs: 3_600_000 };
const NEVER = new AbortController().signal;

function typeOf(description: string, name = NAME): TaskType {
  return create(TaskTypeSchema, { name, description });
}

/** A broker, and the bucket as an operator sees it. */
async function scene() {
  const nats = await startTestNats();
  const broker = await openTestBroker(nats.url);
  const plain = await connect({ servers: nats.url });
  const bucket = await new Kvm(jetstream(plain)).create("mr_config", { history: 1 });
  const ended = new AbortController();
  return {
    broker,
    bucket,
    announce: (types: TaskType[], times = SELDOM) =>
      void broker.taskTypes.announce(types, ended.signal, times),
    follow: () => followed(broker, ended.signal),
    stop: () => ended.abort(),
    async keys() {
      const keys: string[] = [];
      for await (const key of await bucket.keys("task-type.>")) keys.push(key);
      return keys.sort();
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await broker[Symbol.asyncDispose]();
      await plain.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}

function followed(broker: Broker, signal: AbortSignal) {
  const heard: (readonly Announcement[])[] = [];
  void broker.taskTypes.follow((all) => void heard.push(all), signal);
  return heard;
}

test("two releases side by side leave each other's entries alone", async () => {
  await using given = await scene();
  const marks = [typeOf("a", "mark.A"), typeOf("b", "mark.B")];
  const releases = [typeOf("before"), typeOf("now")];
  for (const [index, type] of releases.entries())
    given.announce([type, ...marks.slice(index, index + 1)]);
  await until(async () => (await given.keys()).length === 4);
  const contested = (await given.keys()).filter((key) => key.startsWith(OLD_KEY));
  expect(contested).toHaveLength(2);
  const revisions = () =>
    Promise.all(contested.map(async (key) => (await given.bucket.get(key))?.revision));
  const before = await revisions();
  // What was deleted comes back: each of the two has looked at its own again, three times.
  for (const key of (await given.keys()).filter((one) => one.startsWith("task-type.mark."))) {
    for (let look = 0; look < 3; look += 1) {
      await given.bucket.delete(key);
      await until(async () => (await given.bucket.get(key))?.operation === "PUT");
    }
  }
  expect(await revisions()).toEqual(before);
});

test("a worker says again and again that its type is served, and nothing else changes", async () => {
  await using given = await scene();
  const heard = given.follow();
  given.announce([typeOf("now")], { lookEveryMs: 10, touchEveryMs: 50 });
  await until(() => heard.length >= 5);
  const types = new Set(heard.flatMap((all) => all.map((announced) => announced.type)));
  expect(types.size).toBe(1);
  const [type] = types;
  expect(type).toMatchObject({ name: NAME, description: "now" });
  expect(type?.announceTime).toBeDefined();
  const seen = heard.flatMap((all) => all.map(({ seenMs }) => seenMs));
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(new Set(seen).size).toBe(seen.length);
});

test("what a release before this one has announced is read, and not written", async () => {
  await using given = await scene();
  const bytes = toBinary(TaskTypeSchema, typeOf("before"));
  const revision = await given.bucket.put(OLD_KEY, bytes);
  const heard = given.follow();
  given.announce([typeOf("now")]);
  await until(() => heard.at(-1)?.length === 2);
  expect(heard.at(-1)?.map(({ type }) => type.description)).toEqual(["before", "now"]);
  expect((await given.bucket.get(OLD_KEY))?.revision).toBe(revision);
});

test("an entry that somebody has changed by hand is put right", async () => {
  await using given = await scene();
  given.announce([typeOf("now")]);
  await until(async () => (await given.keys()).length === 1);
  const [key = ""] = await given.keys();
  for (const wrong of [new Uint8Array([0xff]), toBinary(TaskTypeSchema, typeOf("wrong"))]) {
    const revision = await given.bucket.put(key, wrong);
    await until(async () => ((await given.bucket.get(key))?.revision ?? 0) > revision);
  }
  const heard = given.follow();
  await until(() => heard.length > 0);
  expect(heard.at(-1)?.map(({ type }) => type.description)).toEqual(["now"]);
});

test("a type that nobody has announced for longer than the retention leaves the list", async () => {
  await using given = await scene();
  await given.bucket.put(OLD_KEY, toBinary(TaskTypeSchema, typeOf("before")));
  given.announce([typeOf("now")]);
  await until(async () => (await given.keys()).length === 2);
  given.stop();
  const heard = followed(given.broker, NEVER);
  await until(() => heard.at(-1)?.length === 2);
  const pass = (historyMs: number) =>
    removeTaskTypes({ broker: given.broker, log: QUIET, historyMs }).pass(NEVER);
  await pass(3_600_000);
  expect(await given.keys()).toHaveLength(2);
  // Whether a worker of a release before this one is there, who does not repeat it, is not known: the newest stays.
  await pass(0);
  await until(() => heard.at(-1)?.length === 1);
  expect(
    await given.broker.taskTypes.remove({ olderThanMs: 0, isServed: () => false }),
  ).toHaveLength(1);
  await until(() => heard.at(-1)?.length === 0);
});

test("who ceases to follow types and workers, or looks for old types, leaves no consumer behind", async () => {
  await using given = await scene();
  const { broker } = given;
  const { jsm } = broker.link.use();
  given.announce([typeOf("a", "mark.A")]);
  for (let time = 0; time < 3; time += 1) {
    const ended = new AbortController();
    const heard: (readonly Announcement[])[] = [];
    const alive: string[] = [];
    const listener = { onAlive: ({ id }: Worker) => void alive.push(id), onLeft() {} };
    const following = [
      broker.taskTypes.follow((all) => void heard.push(all), ended.signal),
      broker.workers.follow(listener, ended.signal),
      broker.workers.keepAlive(() => create(WorkerSchema, { id: "worker" }), ended.signal),
    ];
    await until(() => heard.some(({ length }) => length > 0) && alive.length > 0);
    await broker.taskTypes.remove({ olderThanMs: 3_600_000, isServed: () => true });
    ended.abort();
    await Promise.all(following);
  }
  for (const stream of ["KV_mr_config", "KV_mr_workers"]) {
    expect((await jsm.streams.info(stream)).state.consumer_count).toBe(0);
  }
});

test("types are heard of again after their bucket was deleted and made anew", async () => {
  await using given = await scene();
  const { broker } = given;
  const { jsm, nc } = broker.link.use();
  const heard = given.follow();
  // The sequence that the first bucket had come to, the second one is far from.
  for (let entry = 0; entry < 500; entry += 1) nc.publish("$KV.mr_config.other", "");
  given.announce([typeOf("a", "mark.A")]);
  await until(() => heard.at(-1)?.length === 1);
  await jsm.streams.delete("KV_mr_config");
  given.announce([typeOf("b", "mark.B")]);
  await until(() => heard.at(-1)?.some(({ type }) => type.name === "mark.B") === true);
});
