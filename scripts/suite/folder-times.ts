import { relative, sep } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

/** Of a path below the root: test/e2e/cli/up.test.ts counts for test/e2e. */
const FOLDERS_DEEP = 2;

/**
 * Says at the end of a run how long the tests of each folder took, one after the other, and in the last line how many
 * passed and failed. What failed outside of any test counts as one that failed.
 */
export default class FolderTimes implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tookMs = new Map<string, number>();
    const counts = { passed: 0, failed: errors.length };
    for (const module of modules) {
      const folder = folderOf(module);
      tookMs.set(folder, (tookMs.get(folder) ?? 0) + module.diagnostic().duration);
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed" || state === "failed") counts[state] += 1;
      }
    }
    const slowestFirst = [...tookMs].sort(([, one], [, other]) => other - one);
    for (const [folder, ms] of slowestFirst) print(`${seconds(ms).padStart(9)}  ${folder}`);
    print(`${counts.passed} passed, ${counts.failed} failed`);
    if (counts.passed === 0) process.exitCode = 1;
  }
}

function folderOf({ moduleId, project }: TestModule): string {
  return relative(project.config.root, moduleId).split(sep).slice(0, FOLDERS_DEEP).join("/");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
