interface Spread {
  readonly tasks: number;
  readonly firstAtMs: number;
  readonly withinMs: number;
}

/** A prime, so that steps of it come to every place of any number of tasks that it does not divide. */
const STEP = 7_919;

/** Evenly spread moments, in no order but the same in every run: a store that takes them sorted is not done a favor. */
export function dueTimes({ tasks, firstAtMs, withinMs }: Spread): readonly number[] {
  const step = tasks % STEP === 0 ? 1 : STEP;
  return Array.from(
    { length: tasks },
    (_, index) => firstAtMs + (((index * step) % tasks) * withinMs) / tasks,
  );
}
