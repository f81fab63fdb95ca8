/** A no-op, which says some times how far it is before it ends. */
export interface TaskWanted {
  readonly reports: number;
  /** How long it waits before each report. None: all are made in one turn. */
  readonly everyMs?: number;
  /** Bytes of input that it carries and nobody looks at. Not with pauses. */
  readonly payloadBytes?: number;
  /** Which of the task types that do the same, from 0. Without pauses and payload. */
  readonly type?: number;
  /** Not before this moment, on the clock of `nowMs`. */
  readonly dueAtMs?: number;
}

/** How a task ended, as its caller was told. */
export interface Ended {
  readonly id: string;
  /** When its handler began, on the clock of `nowMs`. */
  readonly startedAtMs: number;
}

/** Gets when a handler made a report, on the clock of `nowMs`, as soon as the watcher is told. */
export type OnReport = (madeAtMs: number) => void;

/** What a watcher is told while it watches. */
export interface Watcher {
  readonly onReport?: OnReport;
  /** The watch is open: what happens from now on is told. */
  readonly onOpen?: () => void;
  /** Gets the number of each event in the task's history, where the system counts them. */
  readonly onEvent?: (sequence: bigint) => void;
  /** Told is only what comes after the event of this number. */
  readonly after?: bigint;
}

/** What a caller of a system under test does; every system is called through these verbs, in the client's process. */
export interface Caller extends AsyncDisposable {
  /** Resolves with the task's id once the system has promised to do it. */
  submit(task: TaskWanted): Promise<string>;
  /** Submits, follows, and resolves when the caller is told the end. */
  run(task: TaskWanted): Promise<Ended>;
  /**
   * The same for a system whose processes are killed: asks again under the id it has chosen until it is told the end. Says
   * each time that it has to.
   */
  runPatiently?(task: TaskWanted, onAgain: () => void): Promise<Ended>;
  /** Submits many in one call, where the system has such a call. */
  submitMany?(tasks: readonly TaskWanted[]): Promise<string[]>;
  /** Follows a task that somebody else submitted; where the system has no other way than asking again, it has none. */
  watch?(id: string, watcher: Watcher): Promise<Ended>;
}

/** What each system's caller module exports. */
export interface CallerModule {
  /** @param address Whatever the system says of where it is called. */
  openCaller(address: string): Promise<Caller>;
}
