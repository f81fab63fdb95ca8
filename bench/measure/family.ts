import type { ProcessStat } from "./proc.ts";

/** A process, and all that it has started and they have. */
export function familyOf(pid: number, processes: readonly ProcessStat[]): ProcessStat[] {
  const family = processes.filter((process) => process.pid === pid);
  for (const member of family) {
    family.push(...processes.filter(({ parent }) => parent === member.pid));
  }
  return family;
}
