import {
  createFileRegistry,
  createRegistry,
  type DescMessage,
  fromBinary,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { type Any, timestampDate } from "@bufbuild/protobuf/wkt";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import type { BrokerLog } from "#lib/broker/link/link.ts";
import { placeOfNoJson, whyNoJson } from "#lib/rpc/told-as-json.ts";
import { Validation } from "#lib/rpc/validation.ts";
import {
  type AnnouncedType,
  type Announcement,
  aliasesOf,
  announcedTypes,
  wasAtWork,
} from "#lib/task/announced-types.ts";
import { incompatibilities } from "#lib/task/compatibility.ts";
import { errorMessage } from "#lib/task/error-message.ts";
import {
  type FieldFault,
  GatewayStarting,
  InvalidField,
  type RequestError,
  TaskTypeUnknown,
} from "#lib/task/errors.ts";
import { MAX_INPUT_BYTES } from "#lib/task/limits.ts";
import { typeNameOf } from "#lib/task/task-type.ts";

interface Known {
  readonly type: TaskType;
  readonly files: Registry;
  /** Sentences, about releases that do not fit together. */
  readonly conflicts: readonly string[];
  readonly lastSeenMs: number;
}

/** Something about a type that does not fit together, as a sentence. */
export interface Conflict {
  readonly type: string;
  readonly text: string;
}

/**
 * The task types that workers have announced. What it knows of them is enough to check inputs, to read them as JSON,
 * and to describe them to callers, without the gateway being built for them.
 */
export class KnownTaskTypes {
  readonly #own: Registry;
  readonly #log: BrokerLog;
  readonly #nowMs: () => number;
  /** By the object, which stays the same while workers only repeat it. */
  readonly #files = new WeakMap<TaskType, Registry>();
  readonly #unusable = new WeakSet<TaskType>();
  #known: ReadonlyMap<string, Known> = new Map();
  #aliases: ReadonlyMap<string, readonly string[]> = new Map();
  #conflicts: readonly Conflict[] = [];
  #validation = new Validation();
  #registry: Registry;
  #isRead = false;

  /** `own`: the messages that are known in any case. `nowMs`: the broker's time. */
  constructor(own: Registry, log: BrokerLog, nowMs: () => number) {
    this.#own = own;
    this.#registry = own;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Takes note of all that is announced. From the first time on, what is not among it is unknown. */
  update(announcements: readonly Announcement[]): void {
    this.#isRead = true;
    const types = announcedTypes(announcements.filter(({ type }) => this.#isUsable(type)));
    const before = this.#known;
    this.#known = new Map([...types].map(([name, type]) => [name, this.#knownOf(type)]));
    this.#aliases = aliasesOf(types);
    this.#tellConflicts();
    const isSame = ({ type }: Known) => before.get(type.name)?.type === type;
    // Most often, a worker has only said once more what it serves.
    if (before.size === this.#known.size && this.#known.values().every(isSame)) return;
    this.#registry = createRegistry(...this.#known.values().map(({ files }) => files), this.#own);
    // A validator compiles a message's rules once; the message may have changed.
    this.#validation = new Validation();
  }

  #knownOf({ newest, others, lastSeenMs }: AnnouncedType): Known {
    const { type } = newest;
    const files = this.#filesOf(type);
    const conflicts = others.flatMap((other) => {
      const older = { type: other.type, files: this.#filesOf(other.type) };
      return incompatibilities(older, { type, files }).map((fault) => ofRelease(other.type, fault));
    });
    return { type, files, conflicts, lastSeenMs };
  }

  /** One that can't be used must not hide the others. */
  #isUsable(type: TaskType): boolean {
    if (this.#unusable.has(type)) return false;
    try {
      this.#filesOf(type);
      return true;
    } catch (error) {
      this.#unusable.add(type);
      this.#log.error({ err: error, type: type.name }, "task type can't be used");
      return false;
    }
  }

  #filesOf(type: TaskType): Registry {
    const { descriptors } = type;
    const files =
      this.#files.get(type) ?? (descriptors ? createFileRegistry(descriptors) : createRegistry());
    this.#files.set(type, files);
    return files;
  }

  /** Each once, when it comes up. */
  #tellConflicts(): void {
    const conflicts = [...this.#known.values()].flatMap(({ type, conflicts: own }) =>
      [...own, ...this.#conflictsOfAlias(type)].map((text) => ({ type: type.name, text })),
    );
    const told = new Set(this.#conflicts.map(({ text }) => text));
    for (const { type, text } of conflicts) {
      if (!told.has(text)) this.#log.warn({ type, reason: text }, "task types do not fit together");
    }
    this.#conflicts = conflicts;
  }

  #conflictsOfAlias({ name, alias }: TaskType): string[] {
    const owners = this.#aliases.get(alias) ?? [];
    if (owners.length <= 1 || !owners.includes(name)) return [];
    const others = owners.filter((owner) => owner !== name).join(", ");
    return [`${alias} is the alias of ${name} and of ${others}, so it means none of them`];
  }

  /** The messages of all known types. */
  get registry(): Registry {
    return this.#registry;
  }

  /** What does not fit together, by the types' names. Nothing of a type whose workers have all gone. */
  get conflicts(): readonly Conflict[] {
    return this.#conflicts.filter(({ type }) => wasAtWork(this.lastSeenMs(type), this.#nowMs()));
  }

  /** When a worker last said that it serves the type, in milliseconds since 1970; undefined if none is remembered. */
  lastSeenMs(type: string): number | undefined {
    return this.#known.get(type)?.lastSeenMs;
  }

  /** Sorted by name. The alias of one that is named otherwise by now is left out. */
  list(): TaskType[] {
    const all = this.conflicts;
    const types = [...this.#known.values()].map(({ type }) => {
      const { name, alias } = type;
      const isOwn = this.#aliases.get(alias)?.includes(name) ?? true;
      const conflicts = all.filter((one) => one.type === name);
      return {
        ...type,
        alias: isOwn ? alias : "",
        conflicts: conflicts.map(({ text }) => text),
      };
    });
    return types.sort((a, b) => a.name.localeCompare(b.name));
  }

  /** The full name of the type that is meant: by its name, or by its alias. Tasks outlive types, so any name may be meant. */
  resolve(given: string, at: string): string {
    if (!this.#isRead) throw new GatewayStarting();
    const owners = this.#known.has(given) ? [given] : (this.#aliases.get(given) ?? [given]);
    const [only = given, ...others] = owners;
    if (others.length === 0) return only;
    const all = `${others.join(", ")} and ${only}`;
    throw new InvalidField(at, `"${given}" is the alias of ${all}; give the full name`);
  }

  /** Refuses what no handler could work with: an unknown type, bytes that are not of the type, a broken rule; and what JSON can't tell. */
  checkInput(input: Any | undefined, at: string): void {
    const name = typeNameOf(input);
    const bad =
      name === "" ? "must name the input's message type" : faultOfUrl(input?.typeUrl ?? "");
    if (bad !== undefined) throw new InvalidField(`${at}.type_url`, bad);
    const known = this.#known.get(name);
    const desc = known?.files.getMessage(name);
    if (!input || !desc) throw this.#unknown(name);
    if (input.value.length > MAX_INPUT_BYTES) {
      const size = `has ${input.value.length} bytes; ${MAX_INPUT_BYTES} are allowed`;
      throw new InvalidField(at, size);
    }
    const faults = this.#faults(desc, input.value, at);
    if (faults.length > 0) throw new InvalidField(faults);
  }

  /** The full name of the input's type, and its alias if it has one that means no other. */
  namesOf(input: Any | undefined): string[] {
    const name = typeNameOf(input);
    const alias = this.#known.get(name)?.type.alias ?? "";
    return this.#aliases.get(alias)?.join() === name ? [name, alias] : [name];
  }

  /** The input's type, if it is known. */
  typeOf(input: Any | undefined): TaskType | undefined {
    return this.#known.get(typeNameOf(input))?.type;
  }

  #unknown(name: string): RequestError {
    if (!this.#isRead) return new GatewayStarting();
    return new TaskTypeUnknown(name, [...this.#known.keys()].sort());
  }

  #faults(desc: DescMessage, bytes: Uint8Array, at: string): FieldFault[] {
    const message = decoded(desc, bytes);
    if (typeof message === "string") {
      return [{ field: `${at}.value`, description: `is not a ${desc.typeName}: ${message}` }];
    }
    const faults = this.#validation.faults(desc, message, at);
    const why = faults.length === 0 && whyNoJson(desc, message, this.#registry);
    if (!why) return faults;
    const field = placeOfNoJson(reflect(desc, message), this.#registry, at);
    return [{ field, description: `can't be told as JSON: ${why}` }];
  }
}

function ofRelease({ name, announceTime }: TaskType, fault: string): string {
  const since = announceTime ? `, announced at ${timestampDate(announceTime).toISOString()},` : "";
  return `a release of ${name} that is still at work${since} does not fit the newest one: ${fault}`;
}

/** What is before the name is stored and shown as it is. RFC 3986 has no other characters. */
function faultOfUrl(typeUrl: string): string | undefined {
  if (/^[!-~]*$/.test(typeUrl)) return undefined;
  return "must have no spaces, control characters or characters beyond ASCII";
}

/** Else it could be read, but not be told within an answer, which is nested deeper and has the same limit of 100. */
const MAX_DEPTH = 90;

/** The message, or why the bytes are none. */
function decoded(desc: DescMessage, bytes: Uint8Array): Message | string {
  try {
    return fromBinary(desc, bytes, { recursionLimit: MAX_DEPTH });
  } catch (error) {
    return errorMessage(error);
  }
}
