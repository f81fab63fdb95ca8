import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { Command, InvalidArgumentError } from "commander";

const root = dirname(import.meta.dirname);
const VITEST = join(root, "node_modules/vitest/vitest.mjs");
const USAGE_EXIT = 2;
const INTERRUPTED_EXIT = 130;

const program = new Command("npm run faults --")
  .description(
    "Runs the fault suite: real services and a real broker, damaged in every way we know; each row ends with a check " +
      "of the log for tasks that were lost, or had two ends. The long form of all rows takes about an hour.",
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode && USAGE_EXIT))
  .argument("[filter]", "only rows whose sentence contains this")
  .option("--seed <number>", 'what the damage follows from, or "random"', seedFrom, "random")
  .option("--short", "the short forms, as in CI")
  .action(async (filter: string | undefined, { seed, short }: Options) => {
    process.exitCode = await run(vitestArguments(filter), {
      ...process.env,
      FAULTS_SEED: seed,
      FAULTS_LONG: short ? "0" : "1",
    });
  });

interface Options {
  readonly seed: string;
  readonly short?: boolean;
}

await program.parseAsync();

function seedFrom(given: string): string {
  if (given === "random" || /^\d{1,9}$/.test(given)) return given;
  throw new InvalidArgumentError('It must be a whole number of at most nine digits, or "random".');
}

function vitestArguments(filter: string | undefined): string[] {
  const reporter = join(root, "scripts/faults/reporter.ts");
  const args = ["run", "--root", root, "--project", "faults", "--reporter", reporter];
  // Vitest takes it for a regular expression.
  return filter ? [...args, "--testNamePattern", filter.replaceAll(/[^\w\s]/g, "\\$&")] : args;
}

/** In a process group of its own, so that whatever it has started can be ended with it. */
async function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(process.execPath, [VITEST, ...args], {
    env,
    stdio: "inherit",
    detached: true,
  });
  const exited = once(child, "exit");
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      interrupted = true;
      // Services go with the group; every nats-server is in a group of its own, and ends when its starter does.
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    });
  }
  const [code] = await exited;
  return interrupted ? INTERRUPTED_EXIT : (code ?? 1);
}
