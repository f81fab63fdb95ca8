import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { type TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { fold } from "#lib/task/fold.ts";
import { isTerminal, mayFollow } from "#lib/task/life.ts";
import { seededRandom } from "#test/support/seeded-random.ts";
import { Figures } from "../../../services/monitor/fold/figures.ts";
import { STATES } from "../../../services/monitor/fold/state-counts.ts";
import { seriesBy } from "../../../services/monitor/sums.ts";
import { at, MadeUpLog, RETENTION_MS } from "./made-up-log.ts";

const TASKS = 30;
const STEPS = 1_500;
const COMPARE_EVERY = 50;
const QUEUES = ["bulk", "mail"];

/** Tasks that live as the rules allow, at random: they end, are started again, are deleted, and come again. */
class RandomLog {
  readonly #made = new MadeUpLog();
  readonly #random: () => number;
  /** Of the tasks that were not deleted. */
  readonly #histories = new Map<string, TaskEvent[]>();
  #second = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  get nowMs(): number {
    return at(this.#second);
  }

  /** What somebody finds who reads the log only now. */
  get left(): readonly TaskEvent[] {
    const all = [...this.#histories.values()].flat();
    return all.sort((a, b) => Number(a.sequence - b.sequence));
  }

  /** How many tasks of the queue are in each state, by the rules that everybody else goes by. */
  counts(queue: string): number[] {
    const tasks = [...this.#histories.values()].map(fold);
    const ofQueue = tasks.filter((task) => task?.spec?.queue === queue);
    return STATES.map((state) => ofQueue.filter((task) => task?.state === state).length);
  }

  step(): TaskEvent {
    this.#second += this.#pick([0, 1, 7]);
    const taskId = `task-${Math.floor(this.#random() * TASKS)}`;
    const history = this.#histories.get(taskId);
    if (!history) return this.#accept(taskId);
    const task = fold(history);
    const state = task?.state ?? TaskState.UNSPECIFIED;
    if (isTerminal(state) && this.#random() < 0.3) return this.#delete(taskId, state);
    const next = STATES.filter((to) => mayFollow(state, to));
    if (next.length === 0) return this.#delete(taskId, state);
    this.#made.state(this.#second, taskId, this.#pick(next), {
      attempt: (task?.attempt ?? 0) + 1,
      restarts: (task?.restarts ?? 0) + (isTerminal(state) ? 1 : 0),
      ...(isTerminal(state) && { restartTime: timestampFromMs(this.nowMs) }),
    });
    history.push(this.#newest());
    return this.#newest();
  }

  #accept(taskId: string): TaskEvent {
    const startMs = this.nowMs + this.#pick([0, 0, 60_000]);
    const start = { case: "startTime" as const, value: timestampFromMs(startMs) };
    this.#made.accepted(this.#second, taskId, { queue: this.#pick(QUEUES), start });
    this.#histories.set(taskId, [this.#newest()]);
    return this.#newest();
  }

  #delete(taskId: string, state: TaskState): TaskEvent {
    this.#made.state(this.#second, taskId, state, { deleted: true });
    this.#histories.delete(taskId);
    return this.#newest();
  }

  #newest(): TaskEvent {
    const event = this.#made.events.at(-1);
    if (!event) throw new Error("nothing was written");
    return event;
  }

  #pick<T>(choices: readonly T[]): T {
    const chosen = choices[Math.floor(this.#random() * choices.length)];
    if (chosen === undefined) throw new Error("nothing to choose from");
    return chosen;
  }
}

function known(figures: Figures) {
  const byQueue = new Map(seriesBy("queue", figures.series));
  return QUEUES.map((queue) => {
    const series = byQueue.get(queue) ?? [];
    const [{ tasks } = {}] = series;
    return [queue, STATES.map((state) => tasks?.of(state) ?? 0)];
  });
}

test.each([1, 2, 3, 4])(
  "a monitor that starts late knows what one knows that ran all along, and both are right (seed %i)",
  (seed) => {
    const log = new RandomLog(seed);
    const allAlong = new Figures(RETENTION_MS);
    for (let step = 1; step <= STEPS; step += 1) {
      allAlong.apply(log.step());
      if (step % COMPARE_EVERY !== 0) continue;
      const late = new Figures(RETENTION_MS);
      for (const event of log.left) late.apply(event);
      expect(known(late)).toEqual(known(allAlong));
      const counted = QUEUES.map((queue) => log.counts(queue));
      expect(known(allAlong).map(([, counts]) => counts)).toEqual(counted);
    }
  },
);
