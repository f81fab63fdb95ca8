import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const LIMITS = new URL("../../../services/worker/thread-limits.ts", import.meta.url);

const FLAGS = [
  "--max-old-space-size=200",
  "--max-old-space-size-percentage=5",
  "--max-semi-space-size=64",
  "--max-heap-size=200",
];

/** Says how much heap its main thread may take before and after it has limited a thread, and how much the thread may. */
const PROGRAM = `
import { once } from "node:events";
import { getHeapStatistics } from "node:v8";
import { Worker } from "node:worker_threads";
import { threadLimits } from "${LIMITS}";
const limitMb = () => getHeapStatistics().heap_size_limit / 2 ** 20;
const before = limitMb();
const thread = \`
  import { getHeapStatistics } from "node:v8";
  import { parentPort } from "node:worker_threads";
  parentPort.postMessage(getHeapStatistics().heap_size_limit / 2 ** 20);
\`;
const worker = new Worker(thread, { eval: true, resourceLimits: threadLimits(64) });
const [ofThread] = await once(worker, "message");
console.log(JSON.stringify({ before, after: limitMb(), ofThread }));
`;

/** Hoards in its main thread, having limited threads. */
const HOARDER = `
import { threadLimits } from "${LIMITS}";
threadLimits(64);
const hoard = [];
for (let mb = 0; mb < 2_000; mb += 1) hoard.push(Array.from({ length: 2 ** 17 }, () => 0));
console.log("held it all");
`;

function run(program: string, flags: readonly string[]) {
  const args = [...flags, "--input-type=module", "--eval", program];
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}

/** What a thread may take in a process without any flags. */
const LIMIT_MB = JSON.parse(run(PROGRAM, []).stdout).ofThread;

test.each(FLAGS)("a thread has its own limit in a process with %s, which keeps its", (flag) => {
  const { before, after, ofThread } = JSON.parse(run(PROGRAM, [flag]).stdout);
  expect(ofThread).toBe(LIMIT_MB);
  expect(after).toBe(before);
});

test("a process that has limited its threads ends at its own limit", () => {
  const { stdout, stderr } = run(HOARDER, ["--max-old-space-size=200"]);
  expect(stdout).toBe("");
  expect(stderr).toContain("heap out of memory");
});
