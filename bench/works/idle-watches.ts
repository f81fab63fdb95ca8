import { sumOfRoles } from "../measure/meter.ts";
import type { Setup } from "../systems/system.ts";
import type { Case, Figure, Measured, Work } from "./work.ts";

/** A gateway takes 6,000 calls of a gRPC connection, watches included. */
const WATCHES_OF_A_CONNECTION = 2_500;

/** Work 5: what a watch costs to which nothing is told, and how soon all are there again after a restart. */
export const idleWatches: Work = {
  name: "watches",
  title: "Idle watches",
  description:
    "Watches of one running task, opened all at once, before it reports anything. One that is refused or breaks is opened " +
    "again after the last event that it was told, after pauses of about 100 ms, doubled up to about a second. Memory: how " +
    "much the most grew that all processes but the client have had, the opening included. Restarted: when all are open, the " +
    "gateway is killed (SIGKILL) and started again at its ports. A watch counts from the kill until it has a snapshot again; " +
    "CPU is that of all processes, from the kill to the end. By gRPC there is a connection for each " +
    `${WATCHES_OF_A_CONNECTION.toLocaleString("en-US")} watches. Over Connect each watch has a connection of its own: the ` +
    "gateway serves Connect by HTTP/1.1, and so a backend has it with connect-node as it comes.",
  cases: ({ watches }) => {
    const name = `${watches.toLocaleString("en-US")} watches`;
    const connections = Math.ceil(watches / WATCHES_OF_A_CONNECTION);
    return [
      ...casesOf(name, { connections }, watches),
      ...casesOf(`${name} over Connect`, { protocol: "connect" }, watches),
    ];
  },
  figures: (measured) =>
    measured.result?.latencies["resumed"] ? resumed(measured) : opened(measured),
};

function casesOf(name: string, setup: Setup, watches: number): readonly Case[] {
  const needs = setup.protocol ? (["watch", setup.protocol] as const) : (["watch"] as const);
  const shared = { setup, fromFreshStart: true };
  const task = (everyMs: number) => ({ reports: 1, everyMs });
  return [
    {
      ...shared,
      name,
      load: { kind: "open watches", watches, task: task(holdMs(watches)) },
      needs,
    },
    {
      ...shared,
      name: `${name}, gateway restarted`,
      load: { kind: "resume watches", watches, task: task(2 * holdMs(watches)) },
      needs: [...needs, "restart"],
    },
  ];
}

/** Time enough to open them all. */
function holdMs(watches: number): number {
  return 10_000 + 3 * watches;
}

function opened({ result, usage }: Measured): readonly Figure[] {
  const open = result?.counts["open"] ?? 0;
  const { client = 0 } = usage.peakGrowthBytes;
  const grown = sumOfRoles(usage.peakGrowthBytes) - client;
  return [
    { name: "open", value: open, better: "more" },
    { name: "refused", value: result?.counts["failures"] ?? 0, better: "less" },
    { name: "all open ms", value: result?.latencies["open"]?.max ?? Number.NaN, better: "less" },
    { name: "KiB/watch", value: grown / 1024 / open, better: "less" },
  ];
}

function resumed({ result, usage }: Measured): readonly Figure[] {
  const count = result?.counts["resumed"] ?? 0;
  const { p50 = Number.NaN, max = Number.NaN } = result?.latencies["resumed"] ?? {};
  return [
    { name: "resumed", value: count, better: "more" },
    { name: "half resumed ms", value: p50, better: "less" },
    { name: "all resumed ms", value: max, better: "less" },
    { name: "CPU µs/watch", value: sumOfRoles(usage.cpuMicros) / count, better: "less" },
  ];
}
