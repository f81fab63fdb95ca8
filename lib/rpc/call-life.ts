import { Code, ConnectError } from "@connectrpc/connect";
import { callLater } from "#lib/async/timers.ts";

const OVER = new Error("the call is over");

/** Why the signal aborted, as its caller is told. */
export function cutOf(signal: AbortSignal): ConnectError {
  const reason: unknown = signal.reason;
  return reason instanceof ConnectError
    ? reason
    : new ConnectError("the caller went away", Code.Canceled, undefined, undefined, reason);
}

/**
 * All that can end a call early (the caller, a deadline, a door that leaves) as one signal. Whoever made it must end
 * it, for some of its sources outlive the call.
 */
export class CallLife {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #timer: Disposable | undefined;
  #onCut: ((cut: ConnectError) => void) | undefined;
  #cut: ConnectError | undefined;

  constructor(sources: readonly AbortSignal[], timeoutMs?: number) {
    this.#sources = sources;
    for (const source of sources) source.addEventListener("abort", this.#onAbort);
    if (timeoutMs !== undefined) this.#timer = callLater(timeoutMs, () => this.#expire(timeoutMs));
    const aborted = sources.find((source) => source.aborted);
    if (aborted !== undefined) this.#end(cutOf(aborted));
  }

  /** Aborts when the call is cut short, and when it is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why the call was cut short: what its caller is to be told. */
  get cut(): ConnectError | undefined {
    return this.#cut;
  }

  /** Calls the listener, of which there is one, when the call is cut short. */
  onCut(listener: (cut: ConnectError) => void): void {
    if (this.#cut === undefined) this.#onCut = listener;
    else listener(this.#cut);
  }

  /** The call is over. */
  end(): void {
    this.#end();
  }

  readonly #onAbort = (event: Event): void => {
    if (event.target instanceof AbortSignal) this.#end(cutOf(event.target));
  };

  #expire(timeoutMs: number): void {
    const text = `no answer within ${timeoutMs} ms; the caller set no deadline`;
    this.#end(new ConnectError(text, Code.DeadlineExceeded));
  }

  #end(cut?: ConnectError): void {
    if (this.signal.aborted) return;
    this.#cut = cut;
    this.#timer?.[Symbol.dispose]();
    for (const source of this.#sources) source.removeEventListener("abort", this.#onAbort);
    this.#controller.abort(cut ?? OVER);
    if (cut !== undefined) this.#onCut?.(cut);
  }
}
