import { type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorMessage } from "#lib/task/error-message.ts";
import { refusalOf } from "./too-many-fields.ts";
import { toConnectError, unreadable } from "./translate-errors.ts";

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

type Result = IteratorResult<Message, undefined>;
type Reader = Pick<PromiseWithResolvers<Result>, "resolve" | "reject">;

/** The messages of one request, each asked for when it is read. Whatever is wrong with the request is thrown to its reader. */
export class GrpcInput implements AsyncIterableIterator<Message, undefined> {
  readonly #desc: DescMessage;
  readonly #ask: () => void;
  #reader: Reader | undefined;
  #fault: ConnectError | undefined;
  #ended = false;

  /** Asks for the next of the messages, which are of the described kind. */
  constructor(desc: DescMessage, ask: () => void) {
    this.#desc = desc;
    this.#ask = ask;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    if (this.#ended) return Promise.resolve(END);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#ask();
    });
  }

  /** The only message of a request that has one. */
  single(): Promise<Message> {
    return singleOf(this);
  }

  take(bytes: Uint8Array): void {
    try {
      const refusal = refusalOf(this.#desc, bytes);
      if (refusal !== undefined) this.fail(toConnectError(refusal));
      else this.#reader?.resolve({ value: fromBinary(this.#desc, bytes) });
    } catch (cause) {
      this.fail(unreadable(errorMessage(cause)));
    }
  }

  end(): void {
    this.#ended = true;
    this.#reader?.resolve(END);
  }

  /** Whoever reads, or reads next, gets the fault. */
  fail(fault: ConnectError): void {
    this.#fault ??= fault;
    this.#reader?.reject(this.#fault);
  }
}

/** The only message that there is to be. */
export async function singleOf<T>(messages: AsyncIterable<T>): Promise<T> {
  const reader = messages[Symbol.asyncIterator]();
  const first = await reader.next();
  if (first.done === true) throw wrongCount("no message");
  const { done } = await reader.next();
  if (done !== true) throw wrongCount("more than one message");
  return first.value;
}

function wrongCount(found: string): ConnectError {
  return new ConnectError(`the request has ${found}; it must have one`, Code.Unimplemented);
}
