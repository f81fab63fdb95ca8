import { Command } from "commander";
import { minutesFrom, seedFrom, USAGE_EXIT } from "./suite/options.ts";
import { runSuite } from "./suite/run-suite.ts";

interface Options {
  readonly seed: string;
  readonly minutes: number;
}

await new Command("npm run fuzz --")
  .description(
    "Tries what callers and operators could send by chance: every RPC through every door, bytes over HTTP, settings. " +
      "No process may end, no answer may be INTERNAL, and others must be answered in time.",
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode && USAGE_EXIT))
  .argument("[filter]", "only tests whose sentence contains this")
  .option("--seed <number>", 'what the inputs follow from, or "random"', seedFrom, "random")
  .option("--minutes <number>", "how long, all tests together", minutesFrom, 60)
  .action(async (filter: string | undefined, { seed, minutes }: Options) => {
    const env = { FUZZ_SEED: seed, FUZZ_SECONDS: String(minutes * 60) };
    process.exitCode = await runSuite({ project: "fuzz", filter, env });
  })
  .parseAsync();
