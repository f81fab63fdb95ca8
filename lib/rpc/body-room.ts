import { Code, ConnectError } from "@connectrpc/connect";

const MAX_HELD_BYTES = 128 * 2 ** 20;
/** Always taken of a request, so that no large ones keep small ones out. */
const FREE_BYTES = 64 * 2 ** 10;

/**
 * The bytes of all requests of a door that are not whole yet. They are in memory, and a caller may leave a request
 * unfinished for minutes: without an end to them, a few hundred requests of a message's largest size would fill it.
 */
export class BodyRoom {
  #held = 0;

  /** Room for one request, which takes it as its bytes come. */
  forRequest(): RequestRoom {
    return new RequestRoom((bytes) => {
      if (bytes > 0 && this.#held + bytes > MAX_HELD_BYTES) return false;
      this.#held += bytes;
      return true;
    });
  }
}

/** Disposed of when the request is whole, or given up. */
export class RequestRoom implements Disposable {
  readonly #take: (bytes: number) => boolean;
  #seen = 0;
  #taken = 0;

  constructor(take: (bytes: number) => boolean) {
    this.#take = take;
  }

  /** What to tell the caller when there is no room for its next bytes. */
  add({ length }: Uint8Array): ConnectError | undefined {
    this.#seen += length;
    const more = Math.max(0, this.#seen - FREE_BYTES) - this.#taken;
    if (!this.#take(more)) {
      const text = "too many bytes of unfinished requests are held; send this one again later";
      return new ConnectError(text, Code.ResourceExhausted);
    }
    this.#taken += more;
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#take(-this.#taken);
    this.#taken = 0;
  }
}
