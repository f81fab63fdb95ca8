import { randomUUID } from "node:crypto";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Caller, Ended, TaskWanted } from "../../client/caller.ts";
import { nowMs } from "../../clock.ts";
import { idIn, STREAM, SUBJECTS, subjectOf } from "./stream.ts";
import { awaited, grouped } from "./writers.ts";

/** What Millrace stores of a task besides reports: spec, queue entry, start, outcome. */
const STEPS = ["spec", "queued", "started"];

/** About what Millrace stores in a message. */
const DATA = new Uint8Array(64);

/** Caller and all else in one process: it stores a task's messages, and reads every message of the stream once. */
export async function openCaller(address: string): Promise<Caller> {
  const url = new URL(address);
  const nc = await connect({ servers: url.host });
  const js = jetstream(nc);
  const write = url.searchParams.has("grouped") ? grouped(nc, js) : awaited(js);
  const waiting = new Map<string, (ended: Ended) => void>();
  const consumer = await js.consumers.get(STREAM, { filter_subjects: [SUBJECTS] });
  await consumer.consume({
    max_messages: 5_000,
    callback: ({ subject }) => {
      if (!subject.endsWith(".end")) return;
      const id = idIn(subject);
      waiting.get(id)?.({ id, startedAtMs: nowMs() });
      waiting.delete(id);
    },
  });
  const store = async (id: string, { reports, payloadBytes = DATA.length }: TaskWanted) => {
    const progress = Array.from({ length: reports }, (_, index) => `progress-${index}`);
    const steps = [...STEPS, ...progress, "end"];
    const spec = payloadBytes === DATA.length ? DATA : new Uint8Array(payloadBytes);
    await Promise.all(
      steps.map((step) => write(subjectOf(id, step), step === "spec" ? spec : DATA)),
    );
  };
  return {
    async submit(task) {
      const id = randomUUID();
      await store(id, task);
      return id;
    },
    async run(task) {
      const id = randomUUID();
      const ended = new Promise<Ended>((resolve) => waiting.set(id, resolve));
      await store(id, task);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      await nc.close();
    },
  };
}
