import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { StateChangeSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import { deleteTask } from "#lib/task/next-state.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";

const LIVES = 500;
const FAILED = create(StateChangeSchema, { state: TaskState.FAILED, attempt: 1 });

/** A task that fails, is deleted and submitted anew, again and again. */
class ManyLives {
  readonly #broker: Broker;
  /** Sequence of the newest spec whose task has failed. */
  failed = 0;
  isOver = false;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  async live(): Promise<void> {
    for (let life = 0; life < LIVES; life += 1) await this.#liveOnce();
    this.isOver = true;
  }

  async #liveOnce(): Promise<void> {
    const { log } = this.#broker;
    const fence = await log.begin("t", specOf());
    if (!fence) throw new Error("not forgotten");
    const ended = await log.append(fence, FAILED);
    if (ended.kind !== "stored") throw new Error("not stored");
    this.failed = fence.specSequence;
    const deleted = { ...fence, stateSequence: ended.sequence };
    const mark = await log.append(deleted, deleteTask(FAILED));
    if (mark.kind === "stored") await log.forget("t", mark.sequence);
  }
}

test("a task that has failed is never read as one that waits while it is deleted and submitted anew", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  await using other = await openTestBroker(nats.url);
  const lives = new ManyLives(broker);
  const torn: unknown[] = [];
  const look = async () => {
    while (!lives.isOver) {
      const { failed } = lives;
      const { fence, task } = (await other.log.read("t")) ?? {};
      const waits = task?.state === TaskState.QUEUED;
      if (waits && (fence?.specSequence ?? 0) <= failed) torn.push(fence);
    }
  };
  await Promise.all([lives.live(), look(), look(), look(), look()]);
  expect(torn).toEqual([]);
});
