import { sumOfRoles } from "../measure/meter.ts";
import type { Figure, Measured, Work } from "./work.ts";

const WATCHES = 10_000;
const CONNECTIONS = 4;

/** Time enough to open them all. */
const HOLD_MS = 40_000;

/** Work 5, as far as opening goes: what a watch costs to which nothing is told. */
export const idleWatches: Work = {
  name: "watches",
  title: "Idle watches",
  description:
    "Watches of one running task, opened all at once, before it reports anything. Memory: how much the most grew that all " +
    "processes but the client have had, the opening included.",
  cases: () => [
    {
      name: `${WATCHES.toLocaleString("en-US")} watches`,
      load: { kind: "open watches", watches: WATCHES, task: { reports: 1, everyMs: HOLD_MS } },
      needs: "watch",
      setup: { connections: CONNECTIONS },
      fromFreshStart: true,
    },
  ],
  figures,
};

function figures({ result, usage }: Measured): readonly Figure[] {
  const open = result?.counts["open"] ?? 0;
  const { client = 0 } = usage.peakGrowthBytes;
  const grown = sumOfRoles(usage.peakGrowthBytes) - client;
  return [
    { name: "open", value: open, better: "more" },
    { name: "all open ms", value: result?.latencies["open"]?.max ?? Number.NaN, better: "less" },
    { name: "KiB/watch", value: grown / 1024 / open, better: "less" },
  ];
}
