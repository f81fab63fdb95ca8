import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type KV, Kvm } from "@nats-io/kv";
import { type Worker, WorkerSchema } from "#gen/millrace/v1/worker_pb.ts";
import { pause } from "#lib/async/pause.ts";
import { ask } from "../link/ask.ts";
import { toldAt } from "../link/brokers-clock.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Connected, Link } from "../link/link.ts";
import { type BucketListener, followBucket } from "./follow-bucket.ts";

/** A worker that is silent for this long is gone. */
export const WORKER_GONE_MS = 10_000;
export const HEARTBEAT_MS = 2_000;
/** Two heartbeats missed. Less than a delivery's lease: whose delivery was handed on because it died is found dead. */
const SILENT_MS = 2 * HEARTBEAT_MS + 1_000;

export interface SignOfLife {
  /** When it was given, by the broker's clock. */
  readonly time: Date;
  readonly runningTaskIds: readonly string[];
}

export interface WorkerListener {
  onAlive(worker: Worker): void;
  onLeft(workerId: string): void;
  /** From now on every sign of life is seen; those that are still to come may be of workers that live already. */
  onFollowing?(): void;
}

/** The workers that are alive, as they describe themselves. */
export class WorkerBook {
  readonly #link: Link;
  readonly #log: BrokerLog;
  readonly #replicas: number;

  constructor(link: Link, log: BrokerLog, replicas: number) {
    this.#link = link;
    this.#log = log;
    this.#replicas = replicas;
  }

  /** What the worker last said of itself; undefined if it was silent for too long to be alive. */
  async lastSign(workerId: string): Promise<SignOfLife | undefined> {
    const bucket = await this.#open(this.#link.use());
    const entry = await ask(bucket.get(workerId));
    if (entry?.operation !== "PUT") return undefined;
    // By a clock of ours that is wrong, a worker that lives could be taken for dead.
    const { streamInfo } = await ask(bucket.status());
    if (toldAt(streamInfo) - entry.created.getTime() >= SILENT_MS) return undefined;
    const { runningTaskIds } = fromBinary(WorkerSchema, entry.value);
    return { time: entry.created, runningTaskIds };
  }

  /** Describes the worker every few seconds until the signal aborts; then takes it off the list. */
  async keepAlive(describe: () => Worker, signal: AbortSignal): Promise<void> {
    await keepRunning(this.#link, {
      name: "heartbeat",
      log: this.#log,
      signal,
      run: async (connected, until) => {
        const bucket = await this.#open(connected);
        while (!until.aborted) {
          const worker = describe();
          // Not waited for on a line that is lost: the first sign after an outage must not come late.
          await ask(bucket.put(worker.id, toBinary(WorkerSchema, worker)), connected.lost);
          await pause(HEARTBEAT_MS, until);
        }
        if (signal.aborted) await ask(bucket.delete(describe().id));
      },
    });
  }

  #open({ js, names, lost }: Connected): Promise<KV> {
    return ask(
      new Kvm(js).create(names.workersBucket, {
        history: 1,
        ttl: WORKER_GONE_MS,
        replicas: this.#replicas,
      }),
      lost,
    );
  }

  /** Tells of every sign of life, and of workers that have left, until the signal aborts. */
  follow(listener: WorkerListener, signal: AbortSignal): Promise<void> {
    return keepRunning(this.#link, {
      name: "follow workers",
      log: this.#log,
      signal,
      run: async (connected, until) => {
        await this.#open(connected);
        listener.onFollowing?.();
        const workers: BucketListener = {
          bucket: connected.names.workersBucket,
          keys: ">",
          onEntry({ key, value }) {
            if (value) listener.onAlive(fromBinary(WorkerSchema, value));
            else listener.onLeft(key);
          },
        };
        await followBucket(connected, workers, until);
      },
    });
  }
}
