import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { StorageType } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { type Worker, WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import { pause } from "#lib/process/pause.ts";
import { ask } from "./ask.ts";
import { keepRunning } from "./keep-running.ts";
import type { BrokerLog, Connected, Link } from "./link.ts";
import { WORKERS_BUCKET } from "./names.ts";

/** A worker that is silent for this long is gone. */
export const WORKER_GONE_MS = 10_000;
const HEARTBEAT_MS = 3_000;

async function openBucket({ js }: Connected): Promise<KV> {
  return ask(
    new Kvm(js).create(WORKERS_BUCKET, {
      history: 1,
      ttl: WORKER_GONE_MS,
      storage: StorageType.Memory,
    }),
  );
}

/** The workers that are alive, as they describe themselves. */
export class WorkerBook {
  readonly #link: Link;
  readonly #log: BrokerLog;

  constructor(link: Link, log: BrokerLog) {
    this.#link = link;
    this.#log = log;
  }

  /** Describes the worker every few seconds until the signal aborts; then takes it off the list. */
  async keepAlive(describe: () => Worker, signal: AbortSignal): Promise<void> {
    await keepRunning(this.#link, {
      name: "heartbeat",
      log: this.#log,
      signal,
      run: async (connected, until) => {
        const bucket = await openBucket(connected);
        while (!until.aborted) {
          const worker = describe();
          await ask(bucket.put(worker.id, toBinary(WorkerSchema, worker)));
          await pause(HEARTBEAT_MS, until);
        }
        if (signal.aborted) await ask(bucket.delete(describe().id));
      },
    });
  }

  /** Calls back with every sign of life, and with the ids of workers that have left, until the signal aborts. */
  follow(
    onAlive: (worker: Worker) => void,
    onLeft: (workerId: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return keepRunning(this.#link, {
      name: "follow workers",
      log: this.#log,
      signal,
      run: async (connected, until) => {
        const bucket = await openBucket(connected);
        const entries = await ask(bucket.watch());
        until.addEventListener("abort", () => entries.stop(), { once: true });
        for await (const { key, value, operation } of entries) {
          if (operation === "PUT") onAlive(fromBinary(WorkerSchema, value));
          else onLeft(key);
        }
      },
    });
  }
}
