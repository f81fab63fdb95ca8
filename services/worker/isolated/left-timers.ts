/** What acts by itself, later. Open connections do not, and may be kept for the next attempt. */
const KINDS = ["Timeout", "Immediate"];

/** The timers that this thread waits for beyond those that it had when this was made. */
export class LeftTimers {
  readonly #before = counts();

  get areThere(): boolean {
    return counts().some((count, kind) => count > (this.#before[kind] ?? 0));
  }
}

function counts(): number[] {
  const active = process.getActiveResourcesInfo();
  return KINDS.map((kind) => active.filter((each) => each === kind).length);
}
