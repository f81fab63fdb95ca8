import { readdir, readFile } from "node:fs/promises";

/** What the kernel says of one process. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** CPU time of the process, and of those of its children that have ended, in seconds. */
  readonly cpuSeconds: number;
}

/** The kernel counts CPU time for user space in hundredths of a second, on every machine. */
const TICKS_PER_SECOND = 100;

/** Where fields stand behind the command, which is in parentheses and may contain anything. */
const PARENT = 1;
const FIRST_TIME = 11;
const TIMES = 4;

/** Reads a line of `/proc/<pid>/stat`. */
export function parseProcessStat(text: string): ProcessStat {
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(FIRST_TIME, FIRST_TIME + TIMES).map(Number);
  return {
    pid,
    parent: Number(fields[PARENT]),
    cpuSeconds: ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND,
  };
}

/**
 * CPU time that the whole machine has spent, in seconds, from `/proc/stat`. What the hypervisor gave to others counts, for
 * we did not have it.
 */
export function parseMachineCpu(text: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = text
    .slice(0, text.indexOf("\n"))
    .replace(/^cpu\s+/, "")
    .split(" ")
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** The most memory that a process has had at once, in bytes, from `/proc/<pid>/status`; 0 of one that has ended. */
export function parsePeakBytes(text: string): number {
  return kilobytesIn(text, /^VmHWM:\s+(\d+) kB$/m);
}

/** The memory that it has now. */
export function parseMemoryBytes(text: string): number {
  return kilobytesIn(text, /^VmRSS:\s+(\d+) kB$/m);
}

function kilobytesIn(text: string, line: RegExp): number {
  return Number(line.exec(text)?.[1] ?? 0) * 1024;
}

export async function machineCpuSeconds(): Promise<number> {
  return parseMachineCpu(await readFile("/proc/stat", "utf8"));
}

/** Every process of the machine. */
export async function allProcesses(): Promise<ProcessStat[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const texts = await Promise.all(pids.map((pid) => readOrNothing(`/proc/${pid}/stat`)));
  return texts.filter((text) => text !== "").map(parseProcessStat);
}

/** The most memory that a process has had, and what it has now. */
export async function memoryOf(pid: number): Promise<Readonly<Record<"peak" | "now", number>>> {
  const text = await readOrNothing(`/proc/${pid}/status`);
  return { peak: parsePeakBytes(text), now: parseMemoryBytes(text) };
}

/** A process may end between being listed and being read. */
async function readOrNothing(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return "";
  }
}

/** A process, and all that it has started and they have. */
export function familyOf(pid: number, processes: readonly ProcessStat[]): ProcessStat[] {
  const family = processes.filter((process) => process.pid === pid);
  for (const member of family) {
    family.push(...processes.filter(({ parent }) => parent === member.pid));
  }
  return family;
}
