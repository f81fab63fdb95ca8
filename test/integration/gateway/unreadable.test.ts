import { expect, test } from "vitest";
import type { Broker } from "#lib/broker/broker.ts";
import { openTestBroker, specOf } from "#test/support/broker.ts";
import { startTestNats } from "#test/support/nats.ts";
import { begun } from "#test/support/steps.ts";
import { cancel } from "../../../services/gateway/cancel.ts";
import { purgeQueue } from "../../../services/gateway/purge-queue.ts";
import { submit } from "../../../services/gateway/submit.ts";

const UNREADABLE = {
  reason: "TASK_UNREADABLE",
  message: "what the log has of task t can't be read",
};

/** As if bytes of the log had been damaged. */
async function damage({ link }: Broker, facet: string): Promise<void> {
  const { nc, names } = link.use();
  nc.publish(names.eventSubject("t", facet as "spec"), new Uint8Array([255]));
  await nc.flush();
}

test.each(["spec", "state"])("a submit whose %s in the log can't be read ends", async (facet) => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  if (facet === "state") await begun(broker, "t");
  await damage(broker, facet);
  const spec = specOf();
  await expect(submit(broker, "t", { asked: spec, spec })).rejects.toMatchObject(UNREADABLE);
});

test("a cancel and a purge of a task whose state can't be read end", async () => {
  await using nats = await startTestNats();
  await using broker = await openTestBroker(nats.url);
  const spec = specOf();
  await submit(broker, "t", { asked: spec, spec });
  await damage(broker, "state");
  const asked = { requestedBy: "ada", reason: "" };
  await expect(cancel(broker, "t", asked)).rejects.toMatchObject(UNREADABLE);
  const signal = AbortSignal.timeout(30_000);
  const purge = purgeQueue(broker, "default", { confirmed: 1, asked, signal });
  await expect(purge).rejects.toMatchObject(UNREADABLE);
  expect(signal.aborted).toBe(false);
});
