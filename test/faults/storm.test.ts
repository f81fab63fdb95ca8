import { setTimeout } from "node:timers/promises";
import { expect } from "vitest";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { faultRow, sized } from "#test/support/fault-row.ts";
import { checkLedger } from "#test/support/ledger.ts";
import { watchPatiently } from "#test/support/patient-watch.ts";
import { type Gateway, System, scriptOf, typesKnown } from "#test/support/system.ts";

const STORM_MS = sized({ short: 12_000, long: 300_000 });
const TASKS = Math.round(STORM_MS / 40);

/** A system whose processes are killed at random, each one replaced by a new one. */
class Storm {
  readonly #system: System;
  readonly #random: () => number;
  gateways: Gateway[] = [];
  #workers: Awaited<ReturnType<System["worker"]>>[] = [];

  constructor(system: System, random: () => number) {
    this.#system = system;
    this.#random = random;
  }

  async begin(): Promise<void> {
    this.gateways = [await this.#system.gateway(), await this.#system.gateway()];
    this.#workers = [await this.#system.worker(), await this.#system.worker()];
    await Promise.all(this.gateways.map(typesKnown));
  }

  async rage(): Promise<void> {
    for (const end = Date.now() + STORM_MS; Date.now() < end; ) {
      const dice = this.#random();
      if (dice < 0.6) await this.#killWorker();
      else if (dice < 0.8) await this.#killGateway();
      else await this.#killBroker();
    }
  }

  async #killWorker(): Promise<void> {
    const at = Math.floor(this.#random() * this.#workers.length);
    this.#workers[at]?.service.kill("SIGKILL");
    this.#workers[at] = await this.#system.worker();
  }

  async #killGateway(): Promise<void> {
    const at = Math.floor(this.#random() * this.gateways.length);
    this.gateways[at]?.service.kill("SIGKILL");
    const other = await this.#system.gateway();
    this.gateways = this.gateways.map((gateway, index) => (index === at ? other : gateway));
  }

  async #killBroker(): Promise<void> {
    await this.#system.nats.kill("SIGKILL");
    await setTimeout(this.#random() * 2_000);
    await this.#system.nats.restart();
  }
}

/** As a good caller does: with its own id, again and again, through whichever gateway is there. */
async function submitPatiently(storm: Storm, taskId: string, index: number): Promise<void> {
  const script = scriptOf({
    steps: 2,
    idleMs: 50 + (index % 7) * 100,
    failures: index % 5 ? 0 : 1,
  });
  for (let turn = index; ; turn += 1) {
    const gateway = storm.gateways[turn % storm.gateways.length];
    try {
      await gateway?.client.submitTask({ taskId, spec: { input: script } });
      return;
    } catch {
      await setTimeout(200);
    }
  }
}

function statesIn(events: readonly TaskEvent[] | undefined): bigint[] {
  return (events ?? []).flatMap(({ facet, sequence }) =>
    facet.case === "state" ? [sequence] : [],
  );
}

faultRow(
  "a storm of kills loses no task, and shows no watcher anything but the log",
  async ({ random }) => {
    await using system = await System.start({ MILLRACE_MAX_CRASHES: "1000" });
    const storm = new Storm(system, random);
    await storm.begin();
    const ids = Array.from({ length: TASKS }, (_, index) => `task-${index}`);
    const submitting = (async () => {
      for (const [index, id] of ids.entries()) {
        const submitted = submitPatiently(storm, id, index);
        if (index % 10 === 0) await submitted;
      }
    })();
    const watch = (id: string) => watchPatiently(() => storm.gateways, id);
    const watching = ids.filter((_, index) => index % 5 === 0).map(watch);

    await storm.rage();
    await submitting;
    await Promise.all(ids.map(watch));

    const log = await checkLedger(system.nats.url, ids);
    for (const { events } of await Promise.all(watching)) {
      expect(statesIn(events)).toEqual(statesIn(log.get(events[0]?.taskId ?? "")));
    }
  },
  120_000 + 5 * STORM_MS,
);
