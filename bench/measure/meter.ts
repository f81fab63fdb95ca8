import { nowMs } from "../clock.ts";
import { allProcesses, familyOf, machineCpuSeconds, memoryOf } from "./proc.ts";

/** What a process is for: several of one role are counted together. */
export type Role = "client" | "gateway" | "api" | "worker" | "monitor" | "nats-server" | "redis";

/** A process that a system under test has started; what that has started counts as it. */
export interface RoleProcess {
  readonly role: Role;
  readonly pid: number;
}

export type ByRole = Readonly<Partial<Record<Role, number>>>;

/** How things stood at a moment. */
export interface Reading {
  readonly atMs: number;
  readonly cpuSeconds: ByRole;
  /** CPU time of the benchmark's own process, which belongs to no system. */
  readonly ownCpuSeconds: number;
  readonly machineCpuSeconds: number;
  readonly peakBytes: ByRole;
  readonly memoryBytes: ByRole;
}

/** What was used between two moments. */
export interface Usage {
  readonly seconds: number;
  /** CPU time by role, in microseconds. */
  readonly cpuMicros: ByRole;
  /** The share of the machine's CPU time that processes used which have nothing to do with the measurement. */
  readonly othersShare: number;
  /** The most memory that each role had until the second moment. */
  readonly peakBytes: ByRole;
  /** How much more that is than until the first moment. */
  readonly peakGrowthBytes: ByRole;
  /** The memory that each role has at the second moment. */
  readonly memoryBytes: ByRole;
}

/** Reads what the processes of a system have used until now. */
export async function readMeter(roles: readonly RoleProcess[]): Promise<Reading> {
  const [processes, machine] = await Promise.all([allProcesses(), machineCpuSeconds()]);
  const families = roles.map(({ role, pid }) => ({ role, members: familyOf(pid, processes) }));
  const { user, system } = process.cpuUsage();
  const memories = await Promise.all(
    families.map(async ({ role, members }) => {
      const all = await Promise.all(members.map(({ pid }) => memoryOf(pid)));
      return { role, peak: sum(all.map(({ peak }) => peak)), now: sum(all.map(({ now }) => now)) };
    }),
  );
  return {
    atMs: nowMs(),
    cpuSeconds: byRole(
      families.map(({ role, members }) => ({
        role,
        value: sum(members.map(({ cpuSeconds }) => cpuSeconds)),
      })),
    ),
    ownCpuSeconds: (user + system) / 1e6,
    machineCpuSeconds: machine,
    peakBytes: byRole(memories.map(({ role, peak }) => ({ role, value: peak }))),
    memoryBytes: byRole(memories.map(({ role, now }) => ({ role, value: now }))),
  };
}

/** Has what processes had used count that are gone since. */
export function withGone(reading: Reading, gone: Reading): Reading {
  const { cpuSeconds, peakBytes } = reading;
  return {
    ...reading,
    cpuSeconds: joined(cpuSeconds, gone.cpuSeconds, (now, before) => now + before),
    peakBytes: joined(peakBytes, gone.peakBytes, Math.max),
  };
}

function joined(some: ByRole, more: ByRole, join: (some: number, more: number) => number): ByRole {
  const all: Partial<Record<Role, number>> = { ...some };
  for (const [role, value] of Object.entries(more) as [Role, number][]) {
    all[role] = join(all[role] ?? 0, value);
  }
  return all;
}

/** What the machine has spent and was not ours, others had. */
export function usageBetween(before: Reading, after: Reading, cores: number): Usage {
  const seconds = (after.atMs - before.atMs) / 1000;
  const roles = Object.keys(after.cpuSeconds) as Role[];
  const grown = (what: "cpuSeconds" | "peakBytes", unit = 1) =>
    byRole(
      roles.map((role) => ({
        role,
        value: ((after[what][role] ?? 0) - (before[what][role] ?? 0)) * unit,
      })),
    );
  const cpuMicros = grown("cpuSeconds", 1e6);
  const ours = sumOfRoles(cpuMicros) / 1e6 + after.ownCpuSeconds - before.ownCpuSeconds;
  const others = after.machineCpuSeconds - before.machineCpuSeconds - ours;
  return {
    seconds,
    cpuMicros,
    othersShare: Math.max(0, others / (seconds * cores)),
    peakBytes: after.peakBytes,
    peakGrowthBytes: grown("peakBytes"),
    memoryBytes: after.memoryBytes,
  };
}

export function sumOfRoles(values: ByRole): number {
  return sum(Object.values(values));
}

function byRole(values: readonly { readonly role: Role; readonly value: number }[]): ByRole {
  const sums: Partial<Record<Role, number>> = {};
  for (const { role, value } of values) sums[role] = (sums[role] ?? 0) + value;
  return sums;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, each) => total + each, 0);
}
