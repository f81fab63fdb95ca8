import { sumOfRoles } from "../measure/meter.ts";
import type { Figure, Measured } from "./work.ts";

export const MIB = 2 ** 20;

/** How many tasks in a second, and what each costs all processes together. */
export function rateAndCost({ result, usage }: Measured): readonly Figure[] {
  const tasks = result?.tasks ?? 0;
  return [
    { name: "tasks/s", value: tasks / usage.seconds, better: "more" },
    { name: "CPU µs/task", value: sumOfRoles(usage.cpuMicros) / tasks, better: "less" },
  ];
}

/** The memory that each process has at the end, but for the client. */
export function memoryFigures({ usage }: Measured): readonly Figure[] {
  return Object.entries(usage.memoryBytes)
    .filter(([role]) => role !== "client")
    .map(([role, bytes]) => ({ name: `${role} MiB`, value: bytes / MIB, better: "less" }));
}

/** How long something took; nothing of what was never seen. */
export function latencyFigures({ result }: Measured, ...names: readonly string[]): Figure[] {
  return names.flatMap((name): Figure[] => {
    const latency = result?.latencies[name];
    if (!latency || Number.isNaN(latency.p50)) return [];
    return [
      { name: `${name} p50 ms`, value: latency.p50, better: "less" },
      { name: `${name} p99 ms`, value: latency.p99, better: "less" },
    ];
  });
}
