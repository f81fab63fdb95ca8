export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of the system. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  /** Asks it to stop, and resolves when it is gone. */
  stop(): Promise<void>;
}

export function shownExit({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : signal;
}
