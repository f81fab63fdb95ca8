import { tmpdir } from "node:os";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { ExitCode } from "#cli/exit-code.ts";
import { StopSignals } from "#cli/stop-signals.ts";
import { BenchError } from "./bench-error.ts";
import { measure } from "./measure.ts";
import { type Asked, FORMS } from "./plan.ts";
import { Child } from "./processes/child.ts";
import { SYSTEMS } from "./systems/catalog.ts";
import { WORKS } from "./works/catalog.ts";

const HELP = `
Works:
${WORKS.map(({ name, title }) => `  ${name.padEnd(10)} ${title}`).join("\n")}

Systems:
${SYSTEMS.map(({ name, description }) => `  ${name.padEnd(16)} ${description}`).join("\n")}

The machine should have nothing else to do: what others use of its CPU is told for each round.`;

/** Does what the words after \`npm run bench --\` say, and resolves with the exit code. */
export async function runBench(words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  using stop = new StopSignals();
  // Whatever waits for one of them then fails, and is put away.
  stop.leaving.addEventListener("abort", () => Child.endAll());
  stop.atOnce.addEventListener("abort", () => process.exit(ExitCode.INTERRUPTED));
  const program = programOf((asked) => measure(asked, { env, tell, signal: stop.leaving }));
  try {
    await program.parseAsync(words, { from: "user" });
    return ExitCode.SUCCEEDED;
  } catch (error) {
    if (stop.leaving.aborted) return told("stopped; no report was written", ExitCode.INTERRUPTED);
    return complain(error);
  }
}

function programOf(action: (asked: Asked) => Promise<void>): Command {
  return new Command("npm run bench --")
    .description(
      "Measures Millrace beside what a user would take instead, and writes a report. No form: the full one, under 40 minutes.",
    )
    .exitOverride()
    .option("--quick", `${FORMS.quick.rounds} rounds of the work "run", under 3 minutes`)
    .option("--works <names>", "only these works, separated by commas", list)
    .option("--systems <names>", "only these systems, separated by commas", list)
    .option("--rounds <n>", "how often each system is measured", wholeNumber)
    .option("--seconds <n>", "how long each case is measured", wholeNumber)
    .option("--watches <n>", 'how many the work "watches" opens', wholeNumber)
    .option(
      "--tasks <numbers>",
      'how many the works "delayed" and "growth" have; of several, each is a case',
      wholeNumbers,
    )
    .option("--callers <n>", "callers that ask at once", wholeNumber, 64)
    .addOption(
      new Option("--set <NAME=value>", "a setting of Millrace that is not as it ships; repeatable")
        .argParser(setting)
        .default({}, "none"),
    )
    .option("--data-dir <folder>", "where the systems keep their data meanwhile", tmpdir())
    .option("--report-dir <folder>", "where the report goes", "bench/reports")
    .option("--compare <report.json>", "tell what is worse than in that report")
    .addHelpText("after", HELP)
    .action((options) => action({ ...options, quick: options.quick === true }));
}

function list(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number from 1 on.");
}

function wholeNumbers(text: string): readonly number[] {
  return list(text).map(wholeNumber);
}

function setting(text: string, before: Readonly<Record<string, string>>) {
  const [, name, value] = /^(MILLRACE_[A-Z_]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError("It must be like MILLRACE_WORKER_CONCURRENCY=64.");
  }
  return { ...before, [name]: value };
}

function complain(error: unknown): number {
  // Commander has printed what it has to say.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? ExitCode.SUCCEEDED : ExitCode.USAGE;
  if (error instanceof BenchError) return told(`error: ${error.message}`, ExitCode.FAILED);
  return told(error instanceof Error ? `${error.stack}` : String(error), ExitCode.FAILED);
}

function told(line: string, exitCode: number): number {
  tell(line);
  return exitCode;
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
