import { Code, ConnectError } from "@connectrpc/connect";

/** Two signals for the calls of a door that leaves: streams end at once, for they would never; unary calls get a grace. */
export class Leaving {
  readonly #streams = new AbortController();
  readonly #calls = new AbortController();

  get streams(): AbortSignal {
    return this.#streams.signal;
  }

  get calls(): AbortSignal {
    return this.#calls.signal;
  }

  endStreams(): void {
    this.#streams.abort(leavingError());
  }

  endCalls(): void {
    this.#calls.abort(leavingError());
  }
}

function leavingError(): ConnectError {
  return new ConnectError("the service is leaving; call again to reach another", Code.Unavailable);
}
