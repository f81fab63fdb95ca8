import type { Load, LoadResult } from "../client/load.ts";
import type { Lateness } from "../measure/lateness.ts";
import type { Role, Usage } from "../measure/meter.ts";
import type { Recovery } from "../measure/recovery.ts";
import type { Ability, Setup } from "../systems/system.ts";

/** How long and how often it is measured. */
export interface Size {
  readonly rounds: number;
  readonly warmUpMs: number;
  /** What comes before the first load of a session, besides its own warm-up. */
  readonly firstWarmUpMs: number;
  readonly measureMs: number;
  /** Whether the concurrency of each rival is chosen by trying. */
  readonly tries: boolean;
  /** Watches that are opened at once, where a work is about many. */
  readonly watches: number;
  /** How many tasks, where a work has a number of its own that is to be another one; or several, each a case. */
  readonly tasks?: readonly number[];
}

/** One way to put load on a system, measured by itself. */
export interface Case {
  readonly name: string;
  /** Not measured; put one after the other, each when all that came of the one before has ended. */
  readonly fill?: readonly Load[];
  /** Not measured; what it submits has ended before the load begins. */
  readonly warmUp?: Load | undefined;
  /** A session does not begin with the first warm-up if this is what it begins with: the memory that it leaves would hide growth. */
  readonly fromFreshStart?: boolean;
  /** None: the system is left alone for a while. */
  readonly load?: Load;
  /** Killed so long after the load began, and started again at once. */
  readonly kill?: { readonly role: Role; readonly afterMs: number };
  /** Measured until all that was accepted has ended, rather than until the last answer. */
  readonly untilDone?: boolean;
  /** Looked at afterwards: what its store takes, and how long one more process of each kind takes to start. */
  readonly examine?: boolean;
  /** Tasks may leave a full store once they have ended and their callers were told so. */
  readonly forgets?: boolean;
  /** What a system must have for it. */
  readonly needs?: readonly Ability[];
  /** How the system is started for it; cases of one setup share a start. */
  readonly setup?: Setup;
}

/** How large a system has become. */
export interface Grown {
  readonly diskBytes: number;
  /** Milliseconds until one more process of a role is ready. */
  readonly startUpMs: Readonly<Partial<Record<Role, number>>>;
}

/** What was measured of a case in a round. */
export interface Measured {
  /** None where there was no load. */
  readonly result?: LoadResult;
  /** Where gateways were restarted: from just before that. */
  readonly usage: Usage;
  /** Of tasks that were delayed. */
  readonly lateness?: Lateness;
  readonly grown?: Grown;
  /** Where a process was killed. */
  readonly recovery?: Recovery;
}

/** A number that a round gives. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly better: "more" | "less";
}

/** Something that users of such a system care about, and how it is measured. */
export interface Work {
  /** As the command line has it. */
  readonly name: string;
  readonly title: string;
  /** What is done and what is counted, for the reader of a report. */
  readonly description: string;
  cases(size: Size, callers: number): readonly Case[];
  figures(measured: Measured): readonly Figure[];
}
