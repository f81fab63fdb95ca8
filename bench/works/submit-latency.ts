import type { Load } from "../client/load.ts";
import { latencyFigures } from "./figures.ts";
import type { Case, Figure, Measured, Work } from "./work.ts";

const RATES_PER_SECOND = [200, 500, 1_000, 2_000];

/** Work 2: how long a caller waits for its task to be accepted. */
export const submitLatency: Work = {
  name: "submit",
  title: "Submit latency",
  description:
    "Submits of no-op tasks come at a steady rate, whether or not earlier ones were answered. A submit counts from when it " +
    "was due. Workers do the tasks meanwhile.",
  cases: ({ warmUpMs, measureMs }) =>
    RATES_PER_SECOND.map((perSecond): Case => {
      const load = (forMs: number): Load => ({
        kind: "open loop",
        perSecond,
        forMs,
        task: { reports: 0 },
      });
      return { name: `${perSecond}/s`, warmUp: load(warmUpMs), load: load(measureMs) };
    }),
  figures: (measured) => [...latencyFigures(measured, "accepted"), ...notMade(measured)],
};

function notMade({ result }: Measured): readonly Figure[] {
  const value = result?.counts["calls not made"] ?? 0;
  return [{ name: "calls given up", value, better: "less" }];
}
