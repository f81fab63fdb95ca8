import { InvalidArgumentError } from "commander";
import { errorMessage } from "#lib/task/error-message.ts";
import { quoted } from "./escaped.ts";
import { hostInUrl, hostNameOf } from "./host-name.ts";
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
  /**
   * Never quoted in an error, for it is a secret, or may hold one. What is secret is kept in a Secret, and can't be given
   * as a flag, which everyone sees who lists the processes.
   */
  readonly secret?: "all of it" | "before an @";
}

/** What holds where no flag is given. An empty variable is how many systems spell "not set". */
export function valueIn<T>(env: NodeJS.ProcessEnv, setting: Setting<T>): T {
  const given = env[setting.env];
  if (given === undefined || given === "") return setting.fallback;
  return parseAs(setting.env, given, setting);
}

/** The value of a setting; what is wrong is told under the name that it was given by, a variable's or a flag's. */
export function parseAs<T>(name: string, given: string, setting: Setting<T>): T {
  try {
    return setting.parse(given);
  } catch (error) {
    const allowed = errorMessage(error);
    const shown = setting.secret ? "" : `${quoted(given)} is not allowed: `;
    throw new StartupError(`${name}: ${shown}${allowed}`, { cause: error });
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

/** At least one item; `what` is what one is called. */
export function listOf<T>(
  what: string,
  item: (given: string) => T,
): (given: string) => readonly T[] {
  return (given) => {
    // Of a password with a comma in it, no item would show what it is.
    if (given.includes("@"))
      throw new InvalidArgumentError(`${quoted(given)} has an @, which no ${what} has`);
    const items = list(given);
    if (items.length === 0) throw new InvalidArgumentError(`must name at least one ${what}`);
    return items.map(item);
  };
}

/** A host as browsers name it, without scheme and port, in lower case; `*` for all. */
export function hostName(given: string): string {
  const name = given.toLowerCase();
  if (name === "*" || (hostNameOf(name) === name && hostInUrl(name) !== undefined)) return name;
  throw new InvalidArgumentError(
    `${quoted(given)} is no host name: without scheme, port and path, e.g. tasks.example.com, or *`,
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

/** The longest time that a timer keeps; a longer one is over at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Room for what is added to a setting before it is waited for. */
const MAX_SETTING_MS = MAX_TIMER_MS / 2;

/** A time in milliseconds that is waited for: no timer keeps a longer one. */
export function waitingMs(least: number, most: number): (given: string) => number {
  if (most > MAX_SETTING_MS) throw new RangeError(`no timer may keep ${most} ms`);
  return wholeNumber(least, most);
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

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;

export function namespaceName(given: string): string {
  if (NAMESPACE.test(given)) return given;
  throw new InvalidArgumentError(
    "must be lower-case letters, digits and dashes, 32 at most, no dash first or last",
  );
}

const QUEUE_NAME = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;

export function queueNames(given: string): readonly string[] {
  return [...new Set(listOf("queue", queueName)(given))];
}

function queueName(given: string): string {
  if (QUEUE_NAME.test(given)) return given;
  throw new InvalidArgumentError(
    `${quoted(given)} is no queue name: lower-case letters, digits and dashes, 32 at most, first a letter`,
  );
}

/** `reports=2,default=8`: a whole number, from 1 to `most`, for each queue that is named. */
export function queueLimits(most: number): (given: string) => ReadonlyMap<string, number> {
  const limit = wholeNumber(1, most);
  return (given) => {
    const limits = new Map<string, number>();
    for (const pair of listOf("queue", String)(given)) {
      const [, name, number] = /^([^=\s]+)\s*=([^=]+)$/.exec(pair) ?? [];
      if (name === undefined || number === undefined) {
        throw new InvalidArgumentError(
          `${quoted(pair)} is no limit: <queue>=<number>, e.g. reports=2`,
        );
      }
      if (limits.has(name)) throw new InvalidArgumentError(`${quoted(name)} is named twice`);
      limits.set(name, limit(number));
    }
    return limits;
  };
}
