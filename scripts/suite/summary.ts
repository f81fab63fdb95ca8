import { relative, sep } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

/** Of a path below the root: test/e2e/cli/up.test.ts counts for test/e2e. */
const FOLDERS_DEEP = 2;

/**
 * Says at the end of a run how long the tests of each folder took, one after the other, and in the last line how many
 * passed and failed. What failed outside of any test counts as one.
 */
export default class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    for (const [folder, ms] of slowestFirst(modules))
      print(`${seconds(ms).padStart(9)}  ${folder}`);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const broken = modules.flatMap((module) => module.errors());
    const passed = count("passed");
    print(`${passed} passed, ${count("failed") + broken.length + errors.length} failed`);
    if (passed === 0) process.exitCode = 1;
  }
}

function slowestFirst(modules: readonly TestModule[]): [string, number][] {
  const tookMs = new Map<string, number>();
  for (const module of modules) {
    const folder = folderOf(module);
    tookMs.set(folder, (tookMs.get(folder) ?? 0) + module.diagnostic().duration);
  }
  return [...tookMs].sort(([, one], [, other]) => other - one);
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
