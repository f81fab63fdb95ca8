/** The one stream of this system: a task's messages are `bench.<id>.<step>`, the last one `bench.<id>.end`. */
export const STREAM = "BENCH";
export const SUBJECTS = "bench.*.*";
export const ENDS = "bench.*.end";

export function subjectOf(id: string, step: string): string {
  return `bench.${id}.${step}`;
}

/** The task that a message is of. */
export function idIn(subject: string): string {
  return subject.slice("bench.".length, subject.lastIndexOf("."));
}
