import { setTimeout } from "node:timers/promises";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import { TaskState } from "#gen/millrace/v1/task_pb.ts";
import { type FaultRow, faultRow, longRow, sized } from "#test/support/fault-row.ts";
import { Fleet, oneOf } from "#test/support/fleet.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { LiveLog } from "#test/support/live-log.ts";
import type { TestNats } from "#test/support/nats.ts";
import { askPatiently } from "#test/support/patient-submit.ts";
import { ReleaseBefore } from "#test/support/release-before.ts";
import { System, scriptOf, stateOf } from "#test/support/system.ts";
import { until } from "#test/support/until.ts";
import { checkRecords, recordAll } from "#test/support/watch-records.ts";

const STORM_MS = sized({ short: 12_000, long: 300_000, hour: 3_600_000 });
const TASKS = sized({ short: 300, long: 2_500, hour: 30_000 });
/** One of so many tasks is watched. */
const WATCHED_OF = sized({ short: 5, long: 5, hour: 60 });
const LIMIT_MS = 120_000 + sized({ short: 5, long: 5, hour: 2 }) * STORM_MS;
/** Of ten tasks, these. */
const CANCELED = 4;
const RESTARTED = 6;
const DELETED = 7;
/** On a busy machine, and while the broker is away, too. */
const REPLACED_WITHIN_MS = 180_000;
/** So long the storm strikes the broker too, and then for so long it spares it. */
const BROKER_STRUCK_MS = 9 * 60_000;
/** Longer than nats-server keeps a consumer of a client that is gone: the release before leaves many, and 1,000 fit. */
const BROKER_SPARED_MS = 6 * 60_000;
/** A gateway that is frozen does not answer. */
const ANSWER_WITHIN_MS = 10_000;

/** A system whose processes are killed, frozen and restarted at random. */
class Storm {
  readonly #fleet: Fleet;
  readonly #nats: TestNats;
  readonly #random: () => number;
  readonly #thaws = new Set<Promise<void>>();
  readonly done = new Map<string, number>();

  constructor(fleet: Fleet, nats: TestNats, random: () => number) {
    this.#fleet = fleet;
    this.#nats = nats;
    this.#random = random;
  }

  async rage(): Promise<void> {
    const begin = Date.now();
    for (let ms = 0; ms < STORM_MS; ms = Date.now() - begin) {
      await this.#strike(ms % (BROKER_STRUCK_MS + BROKER_SPARED_MS) > BROKER_STRUCK_MS);
      await setTimeout(this.#random() * 1_000);
    }
    await Promise.all(this.#thaws);
  }

  async #strike(brokerIsSpared: boolean): Promise<void> {
    const strikes = [
      { share: 30, name: "worker killed", run: () => this.#end("workers", "SIGKILL") },
      { share: 10, name: "worker restarted", run: () => this.#end("workers", "SIGTERM") },
      { share: 15, name: "worker frozen", run: () => this.#freeze("workers", 11_000) },
      { share: 12, name: "gateway killed", run: () => this.#end("gateways", "SIGKILL") },
      { share: 8, name: "gateway restarted", run: () => this.#end("gateways", "SIGTERM") },
      { share: 5, name: "gateway frozen", run: () => this.#freeze("gateways", 4_000) },
      { share: 10, name: "broker killed", isOnBroker: true, run: () => this.#killBroker() },
      { share: 7, name: "broker frozen", isOnBroker: true, run: () => this.#freezeBroker() },
      { share: 3, name: "all killed", isOnBroker: true, run: () => this.#killAll() },
    ];
    let dice = this.#random() * 100;
    const strike = strikes.find(({ share }) => {
      dice -= share;
      return dice < 0;
    });
    if (!strike || (brokerIsSpared && strike.isOnBroker)) return;
    this.done.set(strike.name, (this.done.get(strike.name) ?? 0) + 1);
    await strike.run();
  }

  /** Waits for the one before to be replaced: of two, one is to be up. */
  async #end(kind: "workers" | "gateways", signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const replaced = until(() => this.#fleet[kind].length > 1, REPLACED_WITHIN_MS);
    const isReplaced = await replaced.then(
      () => true,
      () => false,
    );
    const cause = this.#fleet.lastFailure;
    if (!isReplaced) throw new Error(`${kind} that were killed are not replaced`, { cause });
    const victim = oneOf<Fleet["workers" | "gateways"][number]>(this.#fleet[kind], this.#random);
    if (victim) this.#fleet.end(victim, signal);
  }

  async #freeze(kind: "workers" | "gateways", upToMs: number): Promise<void> {
    const victim = oneOf<Fleet["workers" | "gateways"][number]>(this.#fleet[kind], this.#random);
    const frozenMs = this.#random() * upToMs;
    victim?.service.kill("SIGSTOP");
    const thaw = setTimeout(frozenMs).then(() => {
      victim?.service.kill("SIGCONT");
      this.#thaws.delete(thaw);
    });
    this.#thaws.add(thaw);
  }

  async #killBroker(): Promise<void> {
    await this.#nats.kill("SIGKILL");
    await setTimeout(this.#random() * 2_000);
    await this.#nats.restart();
  }

  async #freezeBroker(): Promise<void> {
    await this.#nats.pause();
    await setTimeout(this.#random() * 7_000);
    this.#nats.resume();
  }

  async #killAll(): Promise<void> {
    for (const process of [...this.#fleet.workers, ...this.#fleet.gateways])
      this.#fleet.end(process);
    await this.#killBroker();
  }
}

/** Callers that submit, cancel and delete, with more patience than the storm. */
class Callers {
  readonly canceled: string[] = [];
  readonly finished: string[] = [];
  readonly restarted: string[] = [];
  readonly deleted = new Set<string>();
  readonly #fleet: Fleet;
  readonly #live: LiveLog;
  readonly #random: () => number;

  constructor(fleet: Fleet, live: LiveLog, random: () => number) {
    this.#fleet = fleet;
    this.#live = live;
    this.#random = random;
  }

  /** At a pace that keeps some tasks in every state. */
  async callAll(taskIds: readonly string[]): Promise<void> {
    const calls: Promise<void>[] = [];
    for (const [index, taskId] of taskIds.entries()) {
      const call = this.#call(taskId, index % 10);
      calls.push(call);
      // Its failure is told at the end, by the call itself.
      if (index % 10 === 0) await call.catch(() => {});
    }
    await Promise.all(calls);
  }

  async #call(taskId: string, kind: number): Promise<void> {
    await this.#submit(taskId);
    if (kind === CANCELED) await this.#cancel(taskId);
    if (kind === RESTARTED) await this.#restart(taskId);
    if (kind === DELETED) await this.#delete(taskId);
  }

  async #submit(taskId: string): Promise<void> {
    const failures = this.#random() < 0.2 ? 1 : 0;
    const input = scriptOf({ steps: 2, idleMs: 50 + this.#random() * 700, failures });
    const delay = {
      case: "delay",
      value: durationFromMs(Math.round(this.#random() * 5_000)),
    } as const;
    const start = this.#random() < 0.2 ? { start: delay } : {};
    await this.#ask(({ client }) =>
      client.submitTask({ taskId, spec: { input, ...start } }, WITHIN),
    );
  }

  /** Cancels what may be anywhere in its life, and keeps what was answered. */
  async #cancel(taskId: string): Promise<void> {
    await setTimeout(this.#random() * 2_000);
    const answer = await this.#ask(({ client }) =>
      client.cancelTask({ taskId }, WITHIN).then(
        () => this.canceled,
        (error: unknown) => {
          if (ConnectError.from(error).code !== Code.FailedPrecondition) throw error;
          return this.finished;
        },
      ),
    );
    answer.push(taskId);
  }

  /** Cancels it wherever it is, and starts it again; if it has ended before, it stays as it is. */
  async #restart(taskId: string): Promise<void> {
    await setTimeout(this.#random() * 2_000);
    const orEnded = (error: unknown) => {
      if (ConnectError.from(error).code !== Code.FailedPrecondition) throw error;
    };
    await this.#ask(({ client }) => client.cancelTask({ taskId }, WITHIN).then(() => {}, orEnded));
    await this.#ask(({ client }) => client.retryTask({ taskId }, WITHIN).then(() => {}, orEnded));
    this.restarted.push(taskId);
  }

  async #delete(taskId: string): Promise<void> {
    await until(() => this.#live.hasEnded(taskId), LIMIT_MS);
    await this.#ask(({ client }) => client.deleteTask({ taskId }, WITHIN));
    this.deleted.add(taskId);
  }

  #ask<T>(ask: Parameters<typeof askPatiently<T>>[1]): Promise<T> {
    return askPatiently(() => this.#fleet.gateways, ask);
  }
}

const WITHIN = { timeoutMs: ANSWER_WITHIN_MS };

async function weather(
  { random, figure }: FaultRow,
  releases: readonly string[] = ["."],
): Promise<void> {
  await using system = await System.start({
    MILLRACE_MAX_CRASHES: "1000",
    MILLRACE_LEAVE_GRACE_MS: "1000",
  });
  await using fleet = await Fleet.start(system, { gateways: 2, workers: 3, releases });
  await using live = new LiveLog(system.nats.url);
  const storm = new Storm(fleet, system.nats, random);
  const callers = new Callers(fleet, live, random);
  const ids = Array.from({ length: TASKS }, (_, index) => `task-${index}`);
  const watched = ids.filter((_, index) => index % WATCHED_OF === 0);
  const watching = recordAll(() => fleet.gateways, watched, { withinMs: LIMIT_MS });

  await Promise.all([storm.rage(), callers.callAll(ids)]);
  await live.allEnded(ids, LIMIT_MS);

  const kept = ids.filter((id) => !callers.deleted.has(id));
  const log = await checkLedger(system.nats.url, kept);
  checkRecords(log, await watching);
  expect([...callers.deleted].filter((id) => log.has(id))).toEqual([]);
  const endedAs = (id: string) => stateOf(log.get(id)?.at(-1));
  expect(callers.canceled.filter((id) => endedAs(id) !== TaskState.CANCELED)).toEqual([]);
  const succeeded = [...callers.finished, ...callers.restarted];
  expect(succeeded.filter((id) => endedAs(id) !== TaskState.SUCCEEDED)).toEqual([]);
  expect(kept.filter((id) => !GOOD_ENDS.includes(endedAs(id)))).toEqual([]);
  figure("tasks", TASKS);
  figure("canceled", callers.canceled.length);
  figure("deleted", callers.deleted.size);
  figure("restarted", callers.restarted.length);
  for (const [name, times] of storm.done) figure(name, times);
}

const GOOD_ENDS: readonly (TaskState | undefined)[] = [TaskState.SUCCEEDED, TaskState.CANCELED];

faultRow(
  "a storm of kills, freezes and restarts loses no task, and shows no watcher anything but the log",
  (row) => weather(row),
  LIMIT_MS,
);

longRow(
  "nor does it while every other process is of the release before, and on what that left",
  async (row) => {
    await using before = await ReleaseBefore.checkOut();
    await weather(row, [before.folder, "."]);
  },
  LIMIT_MS,
);
