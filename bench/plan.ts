import { BenchError } from "./bench-error.ts";
import { SYSTEMS } from "./systems/catalog.ts";
import type { SystemUnderTest } from "./systems/system.ts";
import { WORKS, WORKS_OF_THE_FULL_FORM } from "./works/catalog.ts";
import { runTasks } from "./works/run-tasks.ts";
import type { Size, Work } from "./works/work.ts";

/** What whoever runs the benchmark asks for. */
export interface Asked {
  readonly quick: boolean;
  readonly works?: readonly string[];
  readonly systems?: readonly string[];
  readonly rounds?: number;
  readonly seconds?: number;
  readonly watches?: number;
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
export function planOf({ quick, works, systems, rounds, seconds, watches }: Asked): Plan {
  const size = quick ? FORMS.quick : FORMS.full;
  const isPart = [works, systems, rounds, seconds, watches].some((given) => given !== undefined);
  const byDefault = quick ? [runTasks] : WORKS_OF_THE_FULL_FORM;
  const whole = quick ? "quick" : "full";
  return {
    form: isPart ? "part" : whole,
    size: {
      ...size,
      rounds: rounds ?? size.rounds,
      watches: watches ?? size.watches,
      measureMs: seconds === undefined ? size.measureMs : seconds * 1_000,
    },
    works: works ? named("work", WORKS, works) : byDefault,
    systems: systems ? named("system", SYSTEMS, systems) : SYSTEMS,
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
