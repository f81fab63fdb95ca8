import { Code, ConnectError } from "@connectrpc/connect";
import { callersFault } from "./callers-fault.ts";

/** One byte of flags, four of length. */
const HEAD_BYTES = 5;
const COMPRESSED = 1;
/** Each costs a moment, however small it is. */
const MAX_MESSAGES = 10_000;

/** Looks at the frames of a request as its bytes go by. Whoever reads the messages does not see all that is wrong. */
export class Frames {
  readonly #isCompressed: boolean;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  #messageBytes = 0;
  #messages = 0;
  #fault: ConnectError | undefined;

  /** Of a request that says how its messages are compressed, or not. */
  constructor(isCompressed: boolean) {
    this.#isCompressed = isCompressed;
  }

  /** What is wrong with the bytes so far. */
  get fault(): ConnectError | undefined {
    return this.#fault;
  }

  add(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#fault === undefined) {
      at += this.#messageBytes > 0 ? this.#skip(bytes.length - at) : this.#readHead(bytes, at);
    }
  }

  /** What is wrong now that there are no more bytes. */
  end(): ConnectError | undefined {
    if (this.#headBytes === 0 && this.#messageBytes === 0) return this.#fault;
    const text = "the request ends within a message";
    this.#fault ??= new ConnectError(text, Code.InvalidArgument);
    return this.#fault;
  }

  #skip(most: number): number {
    const bytes = Math.min(most, this.#messageBytes);
    this.#messageBytes -= bytes;
    return bytes;
  }

  #readHead(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + HEAD_BYTES - this.#headBytes);
    this.#head.set(part, this.#headBytes);
    this.#headBytes += part.length;
    if (this.#headBytes < HEAD_BYTES) return part.length;
    this.#headBytes = 0;
    this.#messageBytes = this.#head.readUInt32BE(1);
    this.#messages += 1;
    this.#fault =
      this.#messages > MAX_MESSAGES
        ? new ConnectError(`more than ${MAX_MESSAGES} messages`, Code.ResourceExhausted)
        : faultOf(this.#head.readUInt8(0), this.#isCompressed);
    return part.length;
  }
}

function faultOf(flags: number, isCompressed: boolean): ConnectError | undefined {
  if (flags > COMPRESSED) {
    const text = `a message's flags are ${flags}; they can be 0, or 1 for a compressed message`;
    return new ConnectError(text, Code.InvalidArgument);
  }
  if (flags === 0 || isCompressed) return undefined;
  // The code is the protocols' own.
  const text = "a message is compressed, and the request does not say how";
  return callersFault(text, Code.Internal);
}
