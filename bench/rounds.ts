import { wrongIn } from "./measure/tally.ts";
import type { Check, Sample } from "./report/report.ts";
import { Session } from "./session.ts";
import type { Choice, SystemUnderTest } from "./systems/system.ts";
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
}

interface Outcome {
  readonly samples: readonly Sample[];
  readonly checks: readonly Check[];
}

/** A case of a work, and how many slots it asks for. */
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

/** The steps that the system can take, those together that want as many slots. */
function sessionsOf({ system, choice }: Contestant, { works, size, callers }: RoundsOptions) {
  const steps = works.flatMap((work): Step[] =>
    work
      .cases(size, choice.callers ?? callers)
      .filter(({ needs }) => needs === undefined || system.also.includes(needs))
      .map((each) => ({ work, case: each })),
  );
  return Map.groupBy(steps, (step) => step.case.slots).values();
}

interface SessionRun extends RoundsOptions {
  readonly contestant: Contestant;
  readonly round: number;
  readonly steps: readonly Step[];
}

async function runSession(run: SessionRun): Promise<Outcome> {
  const { contestant, round, steps, size, tell } = run;
  const { system, choice } = contestant;
  const slots = steps[0]?.case.slots;
  const inForce = slots === undefined ? choice : { ...choice, slots };
  await using session = await Session.open({ ...run, system, choice: inForce });
  const samples: Sample[] = [];
  for (const step of steps) {
    const sample = await takeSample(session, step, run);
    samples.push(sample);
    tell(`round ${round}/${size.rounds} · ${system.name} · ${told(sample)}`);
  }
  const tally = await session.check();
  const wrong = wrongIn(tally);
  if (wrong) tell(`round ${round}/${size.rounds} · ${system.name} · WRONG: ${wrong}`);
  const { accepted, endedOnce } = tally;
  return {
    samples,
    checks: [{ system: system.name, round, accepted, endedOnce, ...(wrong && { wrong }) }],
  };
}

async function takeSample(session: Session, step: Step, run: SessionRun): Promise<Sample> {
  const measured = await session.measure(step.case, run.size);
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
