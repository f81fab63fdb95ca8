/** Thrown when a worker can't get at tasks that wait, and can't help it: one that is started anew may. */
export class WorkerStalled extends Error {
  override name = "WorkerStalled";

  constructor(queue: string, standsMs: number) {
    super(
      `the queue ${queue} has not moved for ${standsMs / 1_000} s although tasks wait and a slot is free; ` +
        "the worker ends, to be started anew by its supervisor",
    );
  }
}
