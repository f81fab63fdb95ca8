import { errorMessage } from "#lib/task/error-message.ts";
import { type Tally, wrongIn } from "./measure/tally.ts";
import type { Check, Sample } from "./report/report.ts";
import { Session } from "./session.ts";
import type { Choice, SystemUnderTest } from "./systems/system.ts";
import { takesPart } from "./takes-part.ts";
import { firstWarmUp } from "./works/warm-ups.ts";
import type { Case, Figure, Size, Work } from "./works/work.ts";

/** A system that takes part, with the concurrency that was chosen for it. */
export interface Contestant {
  readonly system: SystemUnderTest;
  readonly choice: Choice;
}

export interface RoundsOptions {
  readonly contestants: readonly Contestant[];
  readonly works: readonly Work[];
  readonly size: Size;
  readonly callers: number;
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

type Counted = Pick<Tally, "accepted" | "endedOnce" | "forgotten">;

interface Outcome {
  readonly samples: readonly Sample[];
  readonly checks: readonly Check[];
}

/** A case of a work. */
interface Step {
  readonly work: Work;
  readonly case: Case;
}

/** Every system in turn, then all again: what drifts on the machine meets them alike. */
export async function runRounds(options: RoundsOptions): Promise<Outcome> {
  const samples: Sample[] = [];
  const checks: Check[] = [];
  for (let round = 1; round <= options.size.rounds; round += 1) {
    for (const contestant of options.contestants) {
      for (const steps of sessionsOf(contestant, options)) {
        const outcome = await runSession({ ...options, contestant, round, steps });
        samples.push(...outcome.samples);
        checks.push(...outcome.checks);
      }
    }
  }
  return { samples, checks };
}

/** The steps that the system can take, those together that want the same setup. */
function sessionsOf({ system, choice }: Contestant, { works, size, callers }: RoundsOptions) {
  const steps = works.flatMap((work): Step[] =>
    work
      .cases(size, choice.callers ?? callers)
      .filter((each) => takesPart(system, each))
      .map((each) => ({ work, case: each })),
  );
  return Map.groupBy(steps, (step) => JSON.stringify(step.case.setup ?? {})).values();
}

interface SessionRun extends RoundsOptions {
  readonly contestant: Contestant;
  readonly round: number;
  readonly steps: readonly Step[];
}

/** A system that fails in a round is no reason to throw away what was measured: the report says so. */
async function runSession(run: SessionRun): Promise<Outcome> {
  const { contestant, round, size, signal } = run;
  const { name } = contestant.system;
  const tell = (line: string) => run.tell(`round ${round}/${size.rounds} · ${name} · ${line}`);
  const samples: Sample[] = [];
  const checkOf = (
    wrong: string | undefined,
    { accepted, endedOnce, forgotten }: Counted,
  ): Outcome => {
    if (wrong) tell(`WRONG: ${wrong}`);
    const check = { system: name, round, accepted, endedOnce, forgotten };
    return { samples, checks: [wrong === undefined ? check : { ...check, wrong }] };
  };
  try {
    const tally = await measureAll(run, (sample) => {
      samples.push(sample);
      tell(told(sample));
    });
    const wasCalled = run.steps.some((step) => step.case.load !== undefined);
    return checkOf(wasCalled ? wrongIn(tally) : undefined, tally);
  } catch (error) {
    signal.throwIfAborted();
    return checkOf(errorMessage(error), { accepted: 0, endedOnce: 0, forgotten: 0 });
  }
}

async function measureAll(run: SessionRun, onSample: (sample: Sample) => void): Promise<Tally> {
  const { system, choice } = run.contestant;
  const setup = run.steps[0]?.case.setup ?? {};
  const warmUp = firstWarmUp(run.size, choice.callers ?? run.callers);
  await using session = await Session.open({
    ...run,
    system,
    choice,
    setup,
    firstWarmUp: warmUp,
  });
  for (const step of run.steps) onSample(await takeSample(session, step, run));
  // Awaited here, for the session ends with this scope.
  return await session.check(run.steps.some((step) => step.case.forgets === true));
}

async function takeSample(session: Session, step: Step, run: SessionRun): Promise<Sample> {
  const measured = await session.measure(step.case);
  const { usage, traffic, result } = measured;
  return {
    work: step.work.name,
    case: step.case.name,
    system: run.contestant.system.name,
    round: run.round,
    tasks: result?.tasks ?? 0,
    seconds: usage.seconds,
    figures: step.work.figures(measured),
    cpuMicros: usage.cpuMicros,
    peakBytes: usage.peakBytes,
    traffic,
    othersShare: usage.othersShare,
  };
}

function told({ work, case: name, figures, othersShare }: Sample): string {
  const shown = figures.map((figure) => `${figureText(figure)} ${figure.name}`).join(", ");
  const others = Math.round(othersShare * 100);
  return `${work}: ${name}: ${shown}${others > 0 ? ` (others used ${others} % of the CPU)` : ""}`;
}

function figureText({ value }: Figure): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
