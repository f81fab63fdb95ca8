import { execFileSync } from "node:child_process";
import type { Attempt } from "#lib/task/task-type.ts";

/** Code that no signal stops. Only an isolated handler may do so without harm to its worker. */
export type Runaway =
  | "busy loop"
  | "busy loop that reports"
  | "busy loop that looks"
  | "endless log"
  | "slow regex"
  | "atomics wait"
  | "child process"
  | "process exit"
  | "slow exit"
  | "memory";

export function runAway(how: Runaway, attempt: Attempt<unknown>): void {
  WAYS[how](attempt);
}

const WAYS: Readonly<Record<Runaway, (attempt: Attempt<unknown>) => void>> = {
  "busy loop"() {
    for (;;) Math.random();
  },
  "busy loop that reports"(attempt) {
    for (let current = 1; ; current += 1) attempt.report({ current });
  },
  "busy loop that looks"(attempt) {
    while (!attempt.signal.aborted) attempt.report({ note: "looking" });
    attempt.signal.throwIfAborted();
  },
  "endless log"(attempt) {
    for (let line = 1; ; line += 1) attempt.log("info", `line ${line}`);
  },
  "slow regex"() {
    /^(a+)+$/.test(`${"a".repeat(60)}b`);
  },
  "atomics wait"() {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  "child process"() {
    execFileSync("sleep", ["20"]);
  },
  "process exit"() {
    process.exit(7);
  },
  /** Its thread still hears of an attempt that it will not run. */
  "slow exit"() {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    process.exit(7);
  },
  memory() {
    const hoard: string[][] = [];
    for (;;) hoard.push(Array.from({ length: 10_000 }, (_, index) => `entry ${index}`));
  },
};
