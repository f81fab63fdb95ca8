import { create, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type MethodImplSpec } from "@connectrpc/connect";
import { Metadata, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { callLater } from "#lib/async/timers.ts";
import { callerValues } from "./caller.ts";
import { MAX_MESSAGE_BYTES } from "./door.ts";
import type { Arrival } from "./grpc-arrivals.ts";
import { GrpcInput } from "./grpc-input.ts";
import { SentHeaders, toHeaders } from "./grpc-metadata.ts";
import { errorStatus, okStatus, requestFault } from "./grpc-status.ts";
import { bytesOf } from "./shared-message.ts";

/** One call that came in over grpc-js, as a Connect handler sees it. */
export class GrpcCall {
  readonly context: HandlerContext;
  readonly input: GrpcInput;
  readonly #call: ServerInterceptingCallInterface;
  readonly #sendStatus: ServerInterceptingCallInterface["sendStatus"];
  readonly #controller = new AbortController();
  readonly #deadline: Disposable | undefined;
  #headerSent = false;
  #isOver = false;
  #unsent = 0;
  #onSent: (() => void) | undefined;

  constructor(spec: MethodImplSpec, call: ServerInterceptingCallInterface, arrival: Arrival) {
    this.#call = call;
    this.input = new GrpcInput(spec.method.input, () => call.startRead());
    // By this method grpc-js sends its own verdicts on a request, and tells nobody.
    this.#sendStatus = call.sendStatus.bind(call);
    call.sendStatus = (status) => this.input.fail(requestFault(status));
    const { timeoutMs, fault, room } = arrival;
    this.context = this.#contextOf(spec, this.#start(arrival), timeoutMs);
    if (fault !== undefined) this.input.fail(fault);
    room.addEventListener("abort", () => this.input.fail(room.reason));
    if (timeoutMs !== undefined) this.#deadline = callLater(timeoutMs, this.#onDeadline);
  }

  send(message: Message): void {
    const { output } = this.context.method;
    // What an implementation yields may lack the fields that it does not set.
    const bytes = bytesOf(output, create(output, message));
    if (bytes.length > MAX_MESSAGE_BYTES) throw tooLarge(bytes.length);
    this.#sendHeader();
    this.#unsent += 1;
    this.#call.sendMessage(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), this.#sent);
  }

  /** Resolves when what was sent is on its way, so that a slow reader gets what is newest by then; or when nobody reads. */
  async sent(): Promise<void> {
    if (this.#unsent === 0 || this.context.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onSent = resolve;
    await promise;
  }

  succeed(): void {
    this.#sendHeader();
    this.#end();
    this.#sendStatus(okStatus(this.context.responseTrailer));
  }

  fail(error: ConnectError): void {
    const { responseHeader, responseTrailer } = this.context;
    if (!responseHeader.keys().next().done) this.#sendHeader();
    this.#end();
    this.#sendStatus(errorStatus(error, responseTrailer));
  }

  /** Begins to listen, and gives the header of the request. */
  #start({ frames, isReset }: Arrival): Headers {
    let header = new Metadata();
    this.#call.start({
      onReceiveMetadata: (metadata) => {
        header = metadata;
      },
      onReceiveMessage: (bytes: Buffer) => {
        if (frames.fault === undefined) this.input.take(bytes);
        else this.input.fail(frames.fault);
      },
      onReceiveHalfClose: () => {
        if (isReset()) return this.#onCanceled();
        const fault = frames.end();
        if (fault === undefined) this.input.end();
        else this.input.fail(fault);
      },
      // grpc-js says so at the end of every call.
      onCancel: () => {
        if (!this.#isOver) this.#onCanceled();
      },
    });
    return toHeaders(header);
  }

  #contextOf(
    { method }: MethodImplSpec,
    requestHeader: Headers,
    timeoutMs: number | undefined,
  ): HandlerContext {
    const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
    return {
      method,
      service: method.parent,
      protocolName: "grpc",
      requestMethod: "POST",
      url: `http://${this.#call.getHost()}/${method.parent.typeName}/${method.name}`,
      signal: this.#controller.signal,
      timeoutMs: () => (deadline === undefined ? undefined : deadline - Date.now()),
      requestHeader,
      responseHeader: new Headers(),
      responseTrailer: new Headers(),
      values: callerValues({ peer: this.#call.getPeer(), hasDeadline: deadline !== undefined }),
    };
  }

  /** Sent with the first message, so that the handler can add to it until then. */
  #sendHeader(): void {
    if (this.#headerSent) return;
    this.#headerSent = true;
    this.#call.sendMetadata(new SentHeaders(this.context.responseHeader));
  }

  readonly #sent = (): void => {
    this.#unsent -= 1;
    if (this.#unsent === 0) this.#onSent?.();
  };

  #onCanceled(): void {
    this.#abort("the caller canceled the call", Code.Canceled);
  }

  readonly #onDeadline = (): void =>
    this.#abort("the caller's deadline passed", Code.DeadlineExceeded);

  #abort(text: string, code: Code): void {
    const reason = new ConnectError(text, code);
    this.#controller.abort(reason);
    this.input.fail(reason);
    this.#onSent?.();
  }

  #end(): void {
    this.#isOver = true;
    this.#deadline?.[Symbol.dispose]();
  }
}

function tooLarge(bytes: number): ConnectError {
  const text = `the answer has ${bytes} bytes, more than the ${MAX_MESSAGE_BYTES} that a message may have`;
  return new ConnectError(text, Code.ResourceExhausted);
}
