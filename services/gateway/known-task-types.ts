import {
  createFileRegistry,
  createRegistry,
  type DescMessage,
  fromBinary,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import { placeOfNoJson, whyNoJson } from "#lib/rpc/told-as-json.ts";
import { Validation } from "#lib/rpc/validation.ts";
import {
  type FieldFault,
  GatewayStarting,
  InvalidField,
  type RequestError,
  TaskTypeUnknown,
} from "#lib/task/errors.ts";
import { MAX_INPUT_BYTES } from "#lib/task/limits.ts";

interface Known {
  readonly type: TaskType;
  readonly files: Registry;
}

/**
 * The task types that workers have announced. What it knows of them is enough to check inputs, to read them as JSON,
 * and to describe them to callers, without the gateway being built for them.
 */
export class KnownTaskTypes {
  readonly #known = new Map<string, Known>();
  #validation = new Validation();
  readonly #own: Registry;
  #registry: Registry;
  #isRead = false;

  /** `own`: the messages that are known in any case. */
  constructor(own: Registry) {
    this.#own = own;
    this.#registry = own;
  }

  add(type: TaskType): void {
    const files = type.descriptors ? createFileRegistry(type.descriptors) : createRegistry();
    this.#known.set(type.name, { type, files });
    const announced = [...this.#known.values()].map((known) => known.files);
    this.#registry = createRegistry(...announced, this.#own);
    // A validator compiles a message's rules once; the message may have changed.
    this.#validation = new Validation();
  }

  /** To be called when all types have been added that there were: from then on, another one is unknown. */
  allRead(): void {
    this.#isRead = true;
  }

  /** The messages of all known types. */
  get registry(): Registry {
    return this.#registry;
  }

  list(): TaskType[] {
    const types = [...this.#known.values()].map(({ type }) => type);
    return types.sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Refuses what no handler could work with: an unknown type, bytes that are not of the type, a broken rule; and what JSON can't tell. */
  checkInput(input: Any | undefined, at: string): void {
    const name = nameOf(input);
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

  /** The full name of the input's type, and its alias if it has one. */
  namesOf(input: Any | undefined): string[] {
    const name = nameOf(input);
    const alias = this.#known.get(name)?.type.alias ?? "";
    return alias === "" ? [name] : [name, alias];
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

function nameOf(input: Any | undefined): string {
  return input?.typeUrl.split("/").at(-1) ?? "";
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
    return error instanceof Error ? error.message : String(error);
  }
}
