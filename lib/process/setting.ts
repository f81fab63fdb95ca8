import { InvalidArgumentError } from "commander";
import { hostNameOf } from "./host-name.ts";
import { StartupError } from "./startup-error.ts";

/** The programs that read settings. */
export const SERVICE_NAMES = ["gateway", "worker", "monitor"] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** One thing that an operator may set, by environment variable or flag. */
export interface Setting<T> {
  readonly env: string;
  readonly help: string;
  readonly fallback: T;
  /** Says what is allowed when it throws. */
  readonly parse: (given: string) => T;
  readonly services: readonly ServiceName[];
  /** Never printed, neither by --help nor in a log. */
  readonly secret?: boolean;
}

/** What holds where no flag is given. An empty variable is how many systems spell "not set". */
export function valueIn<T>(env: NodeJS.ProcessEnv, setting: Setting<T>): T {
  const given = env[setting.env];
  if (given === undefined || given === "") return setting.fallback;
  try {
    return setting.parse(given);
  } catch (error) {
    const allowed = error instanceof Error ? error.message : String(error);
    const shown = setting.secret ? "" : `"${given}" is not allowed: `;
    throw new StartupError(`${setting.env}: ${shown}${allowed}`, { cause: error });
  }
}

export function text(given: string): string {
  if (given.trim() === "") throw new InvalidArgumentError("must not be empty");
  return given.trim();
}

export function list(given: string): readonly string[] {
  return given
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** Hosts as browsers name them, without scheme and port, in lower case; `*` for all. */
export function hostNames(given: string): readonly string[] {
  const names = list(given.toLowerCase());
  const wrong = names.find(
    (name) => name !== "*" && (/\*/.test(name) || hostNameOf(name) !== name),
  );
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(
    `"${wrong}" is no host name: without scheme, port and path, e.g. tasks.example.com, or *`,
  );
}

/** A whole number within the bounds, both included. */
export function wholeNumber(least: number, most: number): (given: string) => number {
  return (given) => {
    const value = Number(given);
    if (given.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) {
      return value;
    }
    throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
  };
}

/** A TCP port; 0 lets the system choose a free one. */
export const port = wholeNumber(0, 65_535);

export function oneOf<const T extends string>(...allowed: readonly T[]): (given: string) => T {
  return (given) => {
    const found = allowed.find((value) => value === given);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`must be one of ${allowed.join(", ")}`);
  };
}

const QUEUE_NAME = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;

export function queueNames(given: string): readonly string[] {
  const names = list(given);
  const wrong = names.find((name) => !QUEUE_NAME.test(name));
  if (names.length === 0) throw new InvalidArgumentError("must name at least one queue");
  if (wrong === undefined) return [...new Set(names)];
  throw new InvalidArgumentError(
    `"${wrong}" is no queue name: lower-case letters, digits and dashes, 32 at most, first a letter`,
  );
}

/** `reports=2,default=8`: a whole number, from 1 to `most`, for each queue that is named. */
export function queueLimits(most: number): (given: string) => ReadonlyMap<string, number> {
  const limit = wholeNumber(1, most);
  return (given) => {
    const limits = new Map<string, number>();
    for (const pair of list(given)) {
      const [, name, number] = /^([^=\s]+)\s*=([^=]+)$/.exec(pair) ?? [];
      if (name === undefined || number === undefined) {
        throw new InvalidArgumentError(`"${pair}" is no limit: <queue>=<number>, e.g. reports=2`);
      }
      if (limits.has(name)) throw new InvalidArgumentError(`"${name}" is named twice`);
      limits.set(name, limit(number));
    }
    return limits;
  };
}
