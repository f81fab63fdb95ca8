import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Prints one line for each row of the fault suite as it ends, and a summary. */
export default class FaultReporter implements Reporter {
  #passed = 0;
  #failed = 0;
  readonly #startedMs = Date.now();

  onTestCaseResult(row: TestCase): void {
    const { state, errors } = row.result();
    if (state === "skipped" || state === "pending") return;
    if (state === "passed") this.#passed += 1;
    else this.#failed += 1;
    const took = seconds(row.diagnostic()?.duration ?? 0).padStart(8);
    print(`${state === "passed" ? "ok  " : "FAIL"} ${took}  ${row.name}${figuresOf(row)}`);
    for (const error of errors ?? []) print(indented(told(error)));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { message: string }[]): void {
    const broken = modules.flatMap((module) => module.errors().map(({ message }) => message));
    const others = [...broken, ...unhandled.map(({ message }) => message)];
    for (const message of others) print(`FAIL  ${message}`);
    if (this.#passed + this.#failed === 0) {
      print("no row has such a sentence");
      process.exitCode = 2;
      return;
    }
    const took = seconds(Date.now() - this.#startedMs);
    print(`\npassed: ${this.#passed}, failed: ${this.#failed + others.length}; ${took}`);
  }
}

function figuresOf(row: TestCase): string {
  const figures = Object.entries(row.meta().figures ?? {});
  return figures.map(([name, value]) => `\n${" ".repeat(15)}${name}: ${value}`).join("");
}

interface Failure {
  readonly message: string;
  readonly stack?: string;
  readonly cause?: unknown;
}

/** With what caused it: of an input that did harm, what the harm was. */
function told({ message, stack = message, cause }: Failure): string {
  if (typeof cause !== "object" || cause === null || !("message" in cause)) return stack;
  return `${stack}\ncaused by ${told(cause as Failure)}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, " ".repeat(15));
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
