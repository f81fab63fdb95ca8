import { JetStreamApiError } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fenceHeaders } from "#lib/broker/log/log-write.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { openTestBroker } from "#test/support/broker.ts";
import { startTestNats, type TestNats } from "#test/support/nats.ts";

let nats: TestNats;
beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats[Symbol.asyncDispose]());

const eventOf = (taskId: string) => ({ subject: `mr.task.${taskId}.log`, data: Buffer.of(1) });

test("many messages are stored in the order in which they were given", async () => {
  await using broker = await openTestBroker(nats.url);
  const { publisher, jsm, names } = broker.link.use();
  const ids = Array.from({ length: 300 }, (_, index) => `order-${index}`);
  const acks = await Promise.all(ids.map((id) => publisher.store(eventOf(id))));
  const sequences = acks.map(({ seq }) => seq);
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
  const stored = sequences.map((seq) => jsm.streams.getMessage(names.eventsStream, { seq }));
  const subjects = (await Promise.all(stored)).map((message) => message?.subject);
  expect(subjects).toEqual(ids.map((id) => eventOf(id).subject));
});

test("each learns what became of its own message: stored, refused, for nobody, or too large", async () => {
  await using broker = await openTestBroker(nats.url);
  const { publisher } = broker.link.use();
  const first = await publisher.store(eventOf("fate"));
  const expectNone = { ...eventOf("fate"), expect: { lastSubjectSequence: 0 } };
  const noBody = headers();
  const [refused, forNobody, tooLarge, stored] = await Promise.allSettled([
    publisher.store({ ...expectNone, headers: fenceHeaders(expectNone) }),
    publisher.store({ subject: "of.no.stream", data: Buffer.of(1), headers: noBody }),
    publisher.store({ subject: "mr.task.fate.log", data: Buffer.alloc(2 ** 23) }),
    publisher.store(eventOf("fate")),
  ]);
  const reasonOf = (fate: PromiseSettledResult<unknown>) =>
    fate.status === "rejected" ? fate.reason : undefined;
  expect(reasonOf(refused)).toBeInstanceOf(JetStreamApiError);
  expect(reasonOf(refused).message).toBe(`wrong last sequence: ${first.seq}`);
  expect(reasonOf(forNobody)).toBeInstanceOf(BrokerUnavailable);
  expect(reasonOf(tooLarge).message).toContain("max_payload");
  expect(stored).toMatchObject({ status: "fulfilled", value: { seq: first.seq + 1 } });
});

test("when the broker is gone nobody waits for it, and what comes after is refused at once", async () => {
  const own = await startTestNats();
  await using broker = await openTestBroker(own.url);
  const { publisher, lost } = broker.link.use();
  await own.pause();
  const waiting = publisher.store(eventOf("left"));
  waiting.catch(() => {});
  await own.kill("SIGKILL");
  await expect(waiting).rejects.toThrow(BrokerUnavailable);
  expect(lost.aborted).toBe(true);
  await expect(publisher.store(eventOf("late"))).rejects.toThrow(BrokerUnavailable);
  await own[Symbol.asyncDispose]();
});

test("a broker that is frozen counts as away after some seconds", async () => {
  const own = await startTestNats();
  await using broker = await openTestBroker(own.url);
  await own.pause();
  await expect(broker.link.use().publisher.store(eventOf("a"))).rejects.toThrow(BrokerUnavailable);
  own.resume();
  await own[Symbol.asyncDispose]();
});
