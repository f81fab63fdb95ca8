import type { DescMessage } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import { InvalidField } from "#lib/task/errors.ts";
import { type SizedField, sizedFieldsOf } from "./size-rules.ts";
import { tooLarge } from "./too-large.ts";

/**
 * Fields that a request may hold in all, its messages' own included: 1,000 tasks with all that they may have. To read as
 * many takes 0.1 s, in which nobody else is served.
 */
export const MAX_FIELDS = 200_000;

/** So small a request can't hold enough to take long. */
export const ALWAYS_FINE_BYTES = 64 * 1024;

/** As deep as messages may be nested. */
const MAX_DEPTH = 100;

/** The longest that a number is in a packed list. */
const LONGEST_NUMBER = 10;

export function tooManyFields(): ConnectError {
  const message = `the request holds more than ${MAX_FIELDS} fields; send it in parts`;
  return new ConnectError(message, Code.ResourceExhausted);
}

/**
 * Why a request is refused before it becomes objects: of 4 MB, it could become two million. Undefined for what can't be
 * read at all, which the decoder knows better to tell.
 */
export function refusalOf(
  desc: DescMessage,
  bytes: Uint8Array,
): ConnectError | InvalidField | undefined {
  if (bytes.length <= ALWAYS_FINE_BYTES) return undefined;
  try {
    new FieldCount(bytes).message(desc, { end: bytes.length, depth: 1, at: "", apart: false });
  } catch (error) {
    if (error instanceof ConnectError || error instanceof InvalidField) return error;
  }
  return undefined;
}

interface Span {
  readonly end: number;
  readonly depth: number;
  /** Where it is in the request. */
  readonly at: string;
  /** Below a list whose items are checked one by one: what is wrong with one does not concern the others. */
  readonly apart: boolean;
}

class FieldCount {
  readonly #reader: BinaryReader;
  #left = MAX_FIELDS;

  constructor(bytes: Uint8Array) {
    this.#reader = new BinaryReader(bytes);
  }

  message(desc: DescMessage, span: Span): void {
    if (span.depth > MAX_DEPTH) throw new RangeError("nested too deeply");
    const fields = sizedFieldsOf(desc);
    const counts = new Map<number, number>();
    while (this.#reader.pos < span.end) {
      const [number, wireType] = this.#reader.tag();
      this.#left -= 1;
      if (this.#left < 0) throw tooManyFields();
      const sized = fields.get(number);
      if (sized && wireType === WireType.LengthDelimited) this.#contents(sized, counts, span);
      else this.#reader.skip(wireType, number);
    }
  }

  #contents(sized: SizedField, counts: Map<number, number>, span: Span): void {
    const length = this.#reader.uint32();
    const end = this.#reader.pos + length;
    const at = span.apart ? "" : this.#place(sized, counts, { ...span, length });
    const { message } = sized;
    if (!message) this.#reader.pos = end;
    else
      this.message(message, { end, depth: span.depth + 1, at, apart: span.apart || sized.apart });
  }

  /** The path of what comes next, unless its list is full. */
  #place(
    { field, size }: SizedField,
    counts: Map<number, number>,
    { at, length }: { readonly at: string; readonly length: number },
  ): string {
    const path = at ? `${at}.${field.name}` : field.name;
    if (field.fieldKind !== "list" && field.fieldKind !== "map") return path;
    const isPacked = field.fieldKind === "list" && field.packed;
    const index = counts.get(field.number) ?? 0;
    const count = index + (isPacked ? Math.ceil(length / LONGEST_NUMBER) : 1);
    counts.set(field.number, count);
    if (size && count > size.max) throw new InvalidField([tooLarge(size, path)]);
    return `${path}[${index}]`;
  }
}
