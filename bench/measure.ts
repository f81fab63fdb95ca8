import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BenchError } from "./bench-error.ts";
import { type Chosen, choose } from "./choose.ts";
import { commitOf, machineFacts } from "./machine.ts";
import { openFilesLimit, requireOpenFiles } from "./open-files.ts";
import { type Asked, planOf } from "./plan.ts";
import { comparisonText } from "./report/compare.ts";
import { readReport, writeReport } from "./report/files.ts";
import { REPORT_FORMAT, type Report, type SystemFacts } from "./report/report.ts";
import { runRounds } from "./rounds.ts";
import type { SystemUnderTest } from "./systems/system.ts";
import { idleWatches } from "./works/idle-watches.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Measures what was asked for, writes the report, and tells what is worse than in an earlier one. */
export async function measure(asked: Asked, { env, tell, signal }: Surroundings): Promise<void> {
  if (process.platform !== "linux") throw new BenchError("it reads /proc, so it needs Linux");
  const { form, size, works, systems } = planOf(asked);
  if (works.includes(idleWatches)) requireOpenFiles(size.watches, await openFilesLimit());
  const earlier = asked.compare === undefined ? undefined : await readReport(asked.compare);
  const beganAt = new Date().toISOString();
  const dataDir = resolve(asked.dataDir);
  await mkdir(dataDir, { recursive: true });

  const { ready, leftOut } = await prepared(systems, { env, tell, signal });
  const { callers, set } = asked;
  const childEnv = { ...passedOn(env), ...set };
  const options = { size, callers, dataDir, env: childEnv, tell, signal };
  const contestants: (Chosen & Pick<SystemFacts, "versions">)[] = [];
  for (const { system, versions } of ready) {
    contestants.push({ ...(await choose(system, options)), versions });
  }
  const outcome = await runRounds({ ...options, contestants, works });
  const report: Report = {
    format: REPORT_FORMAT,
    beganAt,
    commit: await commitOf(ROOT),
    form,
    rounds: size.rounds,
    callers,
    settings: set,
    machine: await machineFacts(dataDir),
    systems: contestants.map(factsOf),
    leftOut,
    works: works.map(({ name, title, description }) => ({ name, title, description })),
    ...outcome,
  };
  tell(`the report is in ${await writeReport(report, asked.reportDir)}`);
  if (earlier) for (const line of comparisonText(earlier, report)) tell(line);
}

interface Prepared {
  readonly ready: readonly {
    readonly system: SystemUnderTest;
    readonly versions: Readonly<Record<string, string>>;
  }[];
  readonly leftOut: Report["leftOut"];
}

/** A rival that can't be had is left out, and the report says why; without Millrace there is no benchmark. */
async function prepared(
  systems: readonly SystemUnderTest[],
  { env, tell, signal }: Surroundings,
): Promise<Prepared> {
  const ready = [];
  const leftOut = [];
  for (const system of systems) {
    signal.throwIfAborted();
    try {
      ready.push({ system, versions: await system.prepare(env) });
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      tell(`${system.name} is left out: ${error.message}`);
      leftOut.push({ system: system.name, why: error.message });
    }
  }
  if (ready.length === 0) throw new BenchError("no system is left to measure");
  return { ready, leftOut };
}

function factsOf({
  system,
  choice,
  tried,
  versions,
}: Chosen & Pick<SystemFacts, "versions">): SystemFacts {
  const { name, description, durability } = system;
  return { name, description, durability, choice: choice.label, tried, versions };
}

/** What every process needs, and nothing by which whoever runs the benchmark might have set a system up. */
function passedOn(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = ["PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "NATS_SERVER_BIN"];
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}
