import { Counter, Gauge, type Registry } from "prom-client";
import type { Outcome } from "#lib/task/outcome.ts";

interface Rooms {
  readonly concurrency: number;
  /** Asked at every scrape. */
  running(): number;
  abandoned(): number;
}

/** What one worker knows of its attempts, since it started. */
export class WorkerMetrics {
  readonly #attempts: Counter;
  readonly #abandoned: Counter;

  constructor(registry: Registry, { concurrency, running, abandoned }: Rooms) {
    const registers = [registry];
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        ...{ name, help, registers },
        collect() {
          this.set(value());
        },
      });
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
