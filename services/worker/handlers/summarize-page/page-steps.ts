import type { ProgressReport } from "#lib/task/task-type.ts";
import { inWords, kilobytes } from "./numbers-in-words.ts";

/** The steps that a watcher sees, and the share of the whole at which each begins. */
const STEPS = { fetching: 0, extracting: 0.45, summarizing: 0.55, saving: 1 } as const;

type Step = keyof typeof STEPS;

const NAMES = Object.keys(STEPS);

/** Of a page that does not say its size, this much makes half of the fetching's share. */
const HALF_OF_UNKNOWN_BYTES = 128 * 1024;

/** How far an attempt is, in four steps; its fraction never goes back. */
export class PageSteps {
  readonly #reporter: { report(progress: ProgressReport): void };
  #fraction = 0;
  #words = "";

  constructor(reporter: { report(progress: ProgressReport): void }) {
    this.#reporter = reporter;
  }

  fetching(host: string, bytes: number, total: number | undefined): void {
    const room = STEPS.extracting - STEPS.fetching;
    const size = total ?? bytes + HALF_OF_UNKNOWN_BYTES;
    const share = Math.min(1, bytes / Math.max(1, size));
    this.#report("fetching", room * share, `fetching ${host}${received(bytes, total)}`);
  }

  extracting(host: string): void {
    this.#report("extracting", STEPS.extracting, `extracting the text of ${host}`);
  }

  summarizing(words: number): void {
    this.#words = inWords(words, "word");
    this.written(0);
  }

  /** How much of the summary stands, 0 to 1. */
  written(share: number): void {
    // A little is left for saving, so that "all done" is said once.
    const room = (STEPS.saving - STEPS.summarizing) * 0.9;
    const fraction = STEPS.summarizing + room * Math.min(1, share);
    this.#report("summarizing", fraction, `summarizing ${this.#words}`);
  }

  saving(): void {
    this.#report("saving", STEPS.saving, "saving");
  }

  #report(step: Step, fraction: number, note: string): void {
    // A redirect starts to count bytes afresh.
    this.#fraction = Math.max(this.#fraction, fraction);
    const current = NAMES.indexOf(step) + 1;
    this.#reporter.report({ current, total: NAMES.length, fraction: this.#fraction, note });
  }
}

function received(bytes: number, total: number | undefined): string {
  if (bytes === 0) return "";
  if (total === undefined) return `: ${kilobytes(bytes)} KB`;
  return `: ${kilobytes(bytes)} of ${kilobytes(total)} KB`;
}
