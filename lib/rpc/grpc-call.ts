import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type MethodImplSpec } from "@connectrpc/connect";
import type {
  Deadline,
  Metadata,
  ServerDuplexStream,
  ServerErrorResponse,
  ServerWritableStream,
} from "@grpc/grpc-js";
import { callerValues } from "./caller.ts";
import { toHeaders, toMetadata } from "./grpc-metadata.ts";
import { toServiceError } from "./grpc-status.ts";

export type OutputStreamCall = ServerWritableStream<Message, Message>;
export type DuplexCall = ServerDuplexStream<Message, Message>;

/** What all kinds of grpc-js calls have in common. */
interface AnyCall {
  readonly cancelled: boolean;
  readonly metadata: Metadata;
  getDeadline(): Deadline;
  getHost(): string;
  getPeer(): string;
  sendMetadata(metadata: Metadata): void;
  once(event: "cancelled", listener: () => void): unknown;
  off(event: "cancelled", listener: () => void): unknown;
}

/** Timers may fire a little before the clock says so. */
const CLOCK_SLACK_MS = 2;

function deadlineOf(call: AnyCall): number | undefined {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? deadline : undefined;
}

/** One call that came in over grpc-js, as a Connect handler sees it. */
export class GrpcCall {
  readonly context: HandlerContext;
  readonly #call: AnyCall;
  readonly #deadline: number | undefined;
  readonly #controller = new AbortController();
  #headerSent = false;

  constructor({ method }: MethodImplSpec, call: AnyCall) {
    this.#call = call;
    const deadline = deadlineOf(call);
    this.#deadline = deadline;
    this.context = {
      method,
      service: method.parent,
      protocolName: "grpc",
      requestMethod: "POST",
      url: `http://${call.getHost()}/${method.parent.typeName}/${method.name}`,
      signal: this.#controller.signal,
      timeoutMs: () => (deadline === undefined ? undefined : deadline - Date.now()),
      requestHeader: toHeaders(call.metadata),
      responseHeader: new Headers(),
      responseTrailer: new Headers(),
      values: callerValues({ peer: call.getPeer(), hasDeadline: deadline !== undefined }),
    };
    call.once("cancelled", this.#onCancelled);
  }

  get ended(): boolean {
    return this.#call.cancelled;
  }

  get trailer(): Metadata {
    return toMetadata(this.context.responseTrailer);
  }

  /** Sends the header if it is not sent yet: with the first message, so that the handler can add to it until then. */
  sendHeader(): void {
    if (this.#headerSent) return;
    this.#headerSent = true;
    this.#call.sendMetadata(toMetadata(this.context.responseHeader));
  }

  statusOf(error: unknown): ServerErrorResponse {
    return toServiceError(error, this.context.responseTrailer);
  }

  /** grpc-js says "cancelled" at the end of every call; after this one it means nothing. */
  over(): void {
    this.#call.off("cancelled", this.#onCancelled);
  }

  /** grpc-js keeps the deadline: it answers the caller, then cancels. */
  readonly #onCancelled = (): void => {
    const leftMs = this.#deadline === undefined ? Infinity : this.#deadline - Date.now();
    const reason =
      leftMs <= CLOCK_SLACK_MS
        ? new ConnectError("the caller's deadline passed", Code.DeadlineExceeded)
        : new ConnectError("the caller canceled the call", Code.Canceled);
    this.#controller.abort(reason);
  };
}
