import type { Role, RoleProcess } from "../measure/meter.ts";

/** How parallel a system does its work: what a user would tune first. */
export interface Choice {
  readonly label: string;
  /** Attempts that the workers run at once. */
  readonly slots: number;
  /** Callers that ask at once, where the system does better with another number than all the others. */
  readonly callers?: number;
}

/** How a system is set up for a case, where that is not as for all others. */
export interface Setup {
  /** Attempts at once, instead of those of the choice. */
  readonly slots?: number;
  readonly workers?: number;
  /** Processes that only look on. Default: none. */
  readonly monitors?: number;
  /** Workers serve many task types that do the same. */
  readonly manyTypes?: boolean;
  /** Processes that callers reach. */
  readonly gateways?: number;
  /** Servers of its broker, as a cluster. */
  readonly brokers?: number;
  /** Settings of its own that are not as they ship, unless whoever runs the benchmark has set them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Connections of the client to each of them, where one does not hold all that is asked at once. */
  readonly connections?: number;
  /** What the client speaks, where the system has more than one protocol. */
  readonly protocol?: "connect";
}

/**
 * What not every system has: verbs of its caller besides submit and run; tasks that may be delayed; as many processes as it is
 * told; processes that may be killed and started again; a protocol besides the usual one.
 */
export type Ability = "submitMany" | "watch" | "delay" | "scale" | "restart" | "connect";

export interface StartOptions {
  /** An empty folder for its data, which is gone afterwards. */
  readonly dataDir: string;
  readonly choice: Choice;
  readonly setup: Setup;
  readonly env: NodeJS.ProcessEnv;
}

/** A system under test that runs: all of its processes, apart from the client. */
export interface RunningSystem extends AsyncDisposable {
  readonly processes: readonly RoleProcess[];
  /** What its caller module is given to open a caller; of several gateways, each, separated by commas. */
  readonly address: string;
  /** Tasks that were accepted and have not ended. */
  backlog(): Promise<number>;
  /** How often each task has ended, by what the system itself has stored; since it started. */
  ended(): Promise<ReadonlyMap<string, number>>;
  /** The tasks that it has stored, where a full store forgets what has ended. */
  kept?(): Promise<ReadonlySet<string>>;
  /** When the handler of each task began, on the clock of `nowMs`, by what the system itself has stored. */
  startedAtMs?(): Promise<ReadonlyMap<string, number>>;
  /** Kills the processes of the role, and starts each again at once, where it was. Resolves when they are ready. */
  restart?(role: Role): Promise<void>;
  /** How long one more process of each role takes to be ready, in milliseconds; it is gone afterwards. */
  startUps?(): Promise<Readonly<Partial<Record<Role, number>>>>;
  /** What its broker has counted since it started, such as messages and bytes. */
  traffic(): Promise<Readonly<Record<string, number>>>;
}

/** A system under test. */
export interface SystemUnderTest {
  /** As the command line and the reports have it. */
  readonly name: string;
  /** Whatever a reader has to know to judge its figures: parts, settings. */
  readonly description: string;
  /** What a crash or a power loss takes. */
  readonly durability: string;
  /** Tried before the rounds, and the best one taken; the first one where nothing is tried. */
  readonly choices: readonly [Choice, ...Choice[]];
  /** The module of its caller, as a URL. */
  readonly caller: string;
  readonly also: readonly Ability[];
  /** Makes sure that all is there which it needs, and resolves with the versions. */
  prepare(env: NodeJS.ProcessEnv): Promise<Readonly<Record<string, string>>>;
  start(options: StartOptions): Promise<RunningSystem>;
}
