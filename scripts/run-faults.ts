import { Command } from "commander";
import { seedFrom, USAGE_EXIT } from "./suite/options.ts";
import { runSuite } from "./suite/run-suite.ts";

interface Options {
  readonly seed: string;
  readonly short?: boolean;
  readonly hour?: boolean;
}

await new Command("npm run faults --")
  .description(
    "Runs the fault suite: real services and a real broker, damaged in every way we know; each row ends with a check " +
      "of the log for tasks that were lost, or had two ends. The long form of all rows takes about an hour.",
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode && USAGE_EXIT))
  .argument("[filter]", "only rows whose sentence contains this")
  .option("--seed <number>", 'what the damage follows from, or "random"', seedFrom, "random")
  .option("--short", "the short forms, as in CI")
  .option("--hour", "the forms of an hour, where a row has one; for a filter that names it")
  .action(async (filter: string | undefined, { seed, short, hour }: Options) => {
    const long = hour ? "hour" : "1";
    const env = { FAULTS_SEED: seed, FAULTS_LONG: short ? "0" : long };
    process.exitCode = await runSuite({ project: "faults", filter, env });
  })
  .parseAsync();
