import { type Load, MOST_TASK_TYPES } from "../client/load.ts";
import type { Setup } from "../systems/system.ts";
import { latencyFigures, rateAndCost } from "./figures.ts";
import type { Case, Size, Work } from "./work.ts";

const PAYLOADS_BYTES = [1_000, 60_000];

const SETUPS: Readonly<Record<string, Setup>> = {
  "1 gateway, 1 worker": {},
  "1 gateway, 2 workers": { workers: 2 },
  "1 gateway, 4 workers": { workers: 4 },
  "2 gateways, 1 worker": { gateways: 2 },
  "1 gateway, 1 worker, 1 monitor": { monitors: 1 },
};

/** Both by a worker that serves them all: what is asked for is the only difference. */
const TYPES: Readonly<Record<string, number>> = {
  "1 task type": 1,
  [`${MOST_TASK_TYPES} task types`]: MOST_TASK_TYPES,
};

/** Work 9: what more processes, more task types and larger inputs do to the cost of a task. */
export const scaling: Work = {
  name: "scaling",
  title: "More processes, more task types, larger inputs",
  description:
    'As in "run", watched: a no-op task with four reports by several gateways and workers, and beside a monitor; the same by one worker that serves ' +
    `${MOST_TASK_TYPES} task types besides, which share the queue, and of which callers ask for one, or for all in turn; and ` +
    "one without reports whose input has so many bytes.",
  cases: (size, callers) => {
    const amount = { size, callers };
    return [
      ...Object.entries(SETUPS).map(([name, setup]) =>
        scaled(setup, caseOf(name, { task: { reports: 4 } }, amount)),
      ),
      ...Object.entries(TYPES).map(([name, types]) =>
        scaled({ manyTypes: true }, caseOf(name, { types, task: { reports: 4 } }, amount)),
      ),
      ...PAYLOADS_BYTES.map((payloadBytes) =>
        caseOf(
          `input of ${payloadBytes / 1_000} KB`,
          { task: { reports: 0, payloadBytes } },
          amount,
        ),
      ),
    ];
  },
  figures: (measured) => [...rateAndCost(measured), ...latencyFigures(measured, "result")],
};

function scaled(setup: Setup, each: Case): Case {
  return { ...each, setup, needs: ["scale"] };
}

interface Amount {
  readonly size: Size;
  readonly callers: number;
}

type Tasks = Pick<Extract<Load, { kind: "closed loop" }>, "task" | "types">;

function caseOf(name: string, tasks: Tasks, { size, callers }: Amount): Case {
  const load = (forMs: number): Load => ({
    kind: "closed loop",
    callers,
    watched: true,
    ...tasks,
    forMs,
  });
  return { name, warmUp: load(size.warmUpMs), load: load(size.measureMs) };
}
