import { BenchError } from "./bench-error.ts";
import { SYSTEMS } from "./systems/catalog.ts";
import type { SystemUnderTest } from "./systems/system.ts";
import { takesPart } from "./takes-part.ts";
import { WORKS, WORKS_OF_THE_FULL_FORM } from "./works/catalog.ts";
import { runTasks } from "./works/run-tasks.ts";
import type { Case, Size, Work } from "./works/work.ts";

/** What whoever runs the benchmark asks for. */
export interface Asked {
  readonly quick: boolean;
  readonly works?: readonly string[];
  readonly systems?: readonly string[];
  readonly rounds?: number;
  readonly seconds?: number;
  readonly watches?: number;
  readonly tasks?: readonly number[];
  readonly callers: number;
  readonly set: Readonly<Record<string, string>>;
  readonly dataDir: string;
  readonly reportDir: string;
  readonly compare?: string;
}

export const FORMS = {
  quick: {
    rounds: 3,
    warmUpMs: 500,
    firstWarmUpMs: 2_000,
    measureMs: 1_000,
    tries: false,
    watches: 10_000,
  },
  full: {
    rounds: 5,
    warmUpMs: 1_000,
    firstWarmUpMs: 4_000,
    measureMs: 3_000,
    tries: true,
    watches: 10_000,
  },
} satisfies Record<string, Size>;

export interface Plan {
  readonly form: keyof typeof FORMS | "part";
  readonly size: Size;
  readonly works: readonly Work[];
  readonly systems: readonly SystemUnderTest[];
}

/** What is to be measured, and how. A part of the whole is measured as the full form does. */
export function planOf(asked: Asked): Plan {
  const { quick, works, systems, callers } = asked;
  const isPart = [works, systems, asked.rounds, asked.seconds, asked.watches, asked.tasks].some(
    (given) => given !== undefined,
  );
  const byDefault = quick ? [runTasks] : WORKS_OF_THE_FULL_FORM;
  const whole = quick ? "quick" : "full";
  const size = sizeOf(asked);
  const planned = works ? named("work", WORKS, works) : byDefault;
  return {
    form: isPart ? "part" : whole,
    size,
    works: planned,
    systems: ableTo(
      planned.flatMap((work) => work.cases(size, callers)),
      systems ? named("system", SYSTEMS, systems) : SYSTEMS,
    ),
  };
}

/** A system that takes part in nothing need not be set up. */
function ableTo(
  cases: readonly Case[],
  systems: readonly SystemUnderTest[],
): readonly SystemUnderTest[] {
  const able = systems.filter((system) => cases.some((each) => takesPart(system, each)));
  if (able.length > 0) return able;
  const names = systems.map(({ name }) => name).join(", ");
  throw new BenchError(`none of these systems can do any of the works: ${names}`);
}

function sizeOf({ quick, rounds, seconds, watches, tasks }: Asked): Size {
  const size = quick ? FORMS.quick : FORMS.full;
  return {
    ...size,
    rounds: rounds ?? size.rounds,
    watches: watches ?? size.watches,
    measureMs: seconds === undefined ? size.measureMs : seconds * 1_000,
    ...(tasks && { tasks }),
  };
}

/** In their own order, whatever order they were named in. */
function named<Kind extends { readonly name: string }>(
  what: string,
  all: readonly Kind[],
  names: readonly string[],
): readonly Kind[] {
  const known = all.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new BenchError(`there is no ${what} "${unknown}", only ${known.join(", ")}`);
  }
  return all.filter(({ name }) => names.includes(name));
}
