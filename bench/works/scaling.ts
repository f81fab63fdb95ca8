import type { Load } from "../client/load.ts";
import type { Setup } from "../systems/system.ts";
import { latencyFigures, rateAndCost } from "./figures.ts";
import type { Case, Size, Work } from "./work.ts";

const PAYLOADS_BYTES = [1_000, 60_000];

const SETUPS: Readonly<Record<string, Setup>> = {
  "1 gateway, 1 worker": {},
  "1 gateway, 2 workers": { workers: 2 },
  "1 gateway, 4 workers": { workers: 4 },
  "2 gateways, 1 worker": { gateways: 2 },
};

/** Work 9: what more processes and larger inputs do to the cost of a task. */
export const scaling: Work = {
  name: "scaling",
  title: "More processes, larger inputs",
  description:
    'As in "run", watched: a no-op task with four reports by several gateways and workers, and one without reports whose ' +
    "input has so many bytes.",
  cases: (size, callers) => [
    ...Object.entries(SETUPS).map(
      ([name, setup]): Case => ({
        ...caseOf(name, { reports: 4 }, { size, callers }),
        setup,
        needs: "scale",
      }),
    ),
    ...PAYLOADS_BYTES.map((payloadBytes) =>
      caseOf(
        `input of ${payloadBytes / 1_000} KB`,
        { reports: 0, payloadBytes },
        { size, callers },
      ),
    ),
  ],
  figures: (measured) => [...rateAndCost(measured), ...latencyFigures(measured, "result")],
};

interface Amount {
  readonly size: Size;
  readonly callers: number;
}

function caseOf(
  name: string,
  task: { readonly reports: number; readonly payloadBytes?: number },
  { size, callers }: Amount,
): Case {
  const load = (forMs: number): Load => ({
    kind: "closed loop",
    callers,
    watched: true,
    task,
    forMs,
  });
  return { name, warmUp: load(size.warmUpMs), load: load(size.measureMs) };
}
