import { expect, test } from "vitest";
import {
  familyOf,
  parseMachineCpu,
  parseMemoryBytes,
  parsePeakBytes,
  parseProcessStat,
} from "../../../bench/measure/proc.ts";

test("a process is read whatever its command is called", () => {
  const line = `42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 20 30 20 0 11 0 99 1 2`;
  expect(parseProcessStat(line)).toEqual({ pid: 42, parent: 7, cpuSeconds: 2.5 });
});

test("waiting is no CPU time of the machine, and what the hypervisor took is", () => {
  const text = "cpu  100 10 50 9999 8888 5 5 30 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
  expect(parseMachineCpu(text)).toBe(2);
});

test("a process that has ended has no peak", () => {
  expect(parsePeakBytes("Name:\tnode\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n")).toBe(2 * 2 ** 20);
  expect(parseMemoryBytes("Name:\tnode\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n")).toBe(2 ** 10);
  expect(parsePeakBytes("")).toBe(0);
});

test("what a process started counts as the process, and nothing else does", () => {
  const of = (pid: number, parent: number) => ({ pid, parent, cpuSeconds: 0 });
  const all = [of(1, 0), of(10, 1), of(12, 11), of(11, 10), of(20, 1)];
  expect(familyOf(10, all).map(({ pid }) => pid)).toEqual([10, 11, 12]);
  expect(familyOf(99, all)).toEqual([]);
});
