import { readFile } from "node:fs/promises";

/** Memory that the process has now, in MiB. */
export function memoryOf(pid: number): Promise<number> {
  return statusOf(pid, "VmRSS");
}

/** The most that it ever had, in MiB. */
export function peakMemoryOf(pid: number): Promise<number> {
  return statusOf(pid, "VmHWM");
}

async function statusOf(pid: number, key: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const [, kib] = new RegExp(`${key}:\\s+(\\d+)`).exec(status) ?? [];
  return Math.round(Number(kib) / 1024);
}
