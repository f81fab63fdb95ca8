import { Counter, Gauge, type Registry } from "prom-client";
import type { Outcome } from "#lib/task/outcome.ts";

interface Rooms {
  readonly concurrency: number;
  /** Asked at every scrape. */
  running(): number;
  abandoned(): number;
}

interface Threads {
  readonly count: number;
  readonly hasSpare: boolean;
}

/** What one worker knows of its attempts, since it started. */
export class WorkerMetrics {
  readonly #attempts: Counter;
  readonly #abandoned: Counter;

  constructor(registry: Registry, { concurrency, running, abandoned }: Rooms) {
    const registers = [registry];
    const gauge = gaugesOf(registry);
    gauge("millrace_worker_running_attempts", "Attempts that run now.", running);
    gauge("millrace_worker_concurrency", "Attempts that may run at once.", () => concurrency);
    gauge(
      "millrace_worker_abandoned_handlers",
      "Handlers that run still although their attempt is over.",
      abandoned,
    );
    this.#attempts = new Counter({
      name: "millrace_worker_attempts_total",
      help: "Attempts that ended, by what the attempt itself came to.",
      labelNames: ["task_type", "outcome"],
      registers,
    });
    this.#abandoned = new Counter({
      name: "millrace_worker_abandoned_handlers_total",
      help: "Handlers that did not end in time after their signal.",
      labelNames: ["task_type"],
      registers,
    });
  }

  attemptEnded(taskType: string, { kind }: Outcome): void {
    this.#attempts.inc({ task_type: taskType, outcome: kind.replaceAll(" ", "_") });
  }

  handlerAbandoned(taskType: string): void {
    this.#abandoned.inc({ task_type: taskType });
  }
}

export function addThreadMetrics(registry: Registry, threads: Threads): void {
  const gauge = gaugesOf(registry);
  gauge("millrace_worker_threads", "Threads for isolated handlers.", () => threads.count);
  gauge(
    "millrace_worker_spare_threads",
    "1: a thread is ready for the next attempt of an isolated handler.",
    () => Number(threads.hasSpare),
  );
}

/** Gauges whose values are asked for at every scrape. */
function gaugesOf(registry: Registry) {
  return (name: string, help: string, value: () => number) =>
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(value());
      },
    });
}
