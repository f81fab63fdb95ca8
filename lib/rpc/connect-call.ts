import type { IncomingMessage, ServerResponse } from "node:http";
import type { DescMessage, JsonWriteOptions } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues } from "@connectrpc/connect";
// Not covered by semver: package.json pins the version, and the contract tests cover it.
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { callLater } from "#lib/async/timers.ts";
import type { BodyRoom, RequestRoom } from "./body-room.ts";
import { cutOf } from "./call-life.ts";
import { callerOf, callerValues, peerOf } from "./caller.ts";
import { checkedBody } from "./checked-request.ts";
import {
  isExplained,
  readRefusal,
  statusFault,
  withError,
  withReason,
} from "./connect-refusals.ts";
import { Frames } from "./frames.ts";
import type { CallChain } from "./interceptors.ts";
import { refuse } from "./refuse.ts";

export interface Serving {
  readonly handler: UniversalHandler;
  readonly chain: CallChain;
  readonly room: BodyRoom;
  readonly jsonOptions: Partial<JsonWriteOptions>;
}

/** The longest that connect-node can keep; it would let longer deadlines pass at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export async function answerCall(
  serving: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers, socket } = request;
  const values = callerValues({
    peer: peerOf(socket),
    hasDeadline: "connect-timeout-ms" in headers || "grpc-timeout" in headers,
  });
  const given = universalRequestFromNodeRequest(request, response, undefined, values);
  using deadline = new LongDeadline(given.header);
  const call: Call = {
    ...given,
    signal: AbortSignal.any([given.signal, deadline.signal]),
    contextValues: values,
    body: new RequestBody(serving.handler.method.input, request, serving.room.forRequest()),
  };
  const answered = await serving.handler(call);
  const isOver = serving.chain.observed.has(values);
  await universalResponseToNodeResponse(
    isOver ? answered : await refused(serving, call, answered),
    response,
  );
}

interface Call extends UniversalServerRequest {
  readonly body: RequestBody;
  readonly contextValues: ContextValues;
}

/** Of a call that connect-node refused before our interceptors saw it. */
async function refused(
  { handler, chain, jsonOptions }: Serving,
  call: Call,
  answered: UniversalServerResponse,
): Promise<UniversalServerResponse> {
  const { method } = handler;
  if (!isExplained(answered)) {
    const name = `${method.parent.typeName}/${method.name}`;
    const { peer } = callerOf(call);
    const fault = statusFault(answered, call);
    chain.observed.tellRefused({ method: name, peer }, fault);
    return withReason(answered, fault);
  }
  const fault = call.signal.aborted
    ? cutOf(call.signal)
    : (call.body.fault ?? (await readRefusal(answered)));
  const told = await refuse({ ...call, method, requestMethod: call.method }, fault, chain.outer);
  return withError(answered, told, jsonOptions);
}

/** The bytes of a request, and what is wrong with them that connect-node takes for something else, or tells in part. */
class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #input: DescMessage;
  readonly #request: IncomingMessage;
  readonly #frames: Frames | undefined;
  readonly #room: RequestRoom;
  #fault: unknown;

  constructor(input: DescMessage, request: IncomingMessage, room: RequestRoom) {
    this.#input = input;
    this.#request = request;
    this.#room = room;
    const { headers } = request;
    const isEnveloped = /^application\/(connect\+|grpc-web)/.test(headers["content-type"] ?? "");
    const encoding = headers["connect-content-encoding"] ?? headers["grpc-encoding"];
    const isCompressed = encoding !== undefined && encoding !== "identity";
    this.#frames = isEnveloped ? new Frames(isCompressed) : undefined;
  }

  get fault(): unknown {
    return this.#fault;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* checkedBody(this.#input, this.#request, this.#whole());
    } catch (fault) {
      this.#fault = fault;
      throw fault;
    }
  }

  async *#whole(): AsyncGenerator<Uint8Array> {
    using room = this.#room;
    // Stays open when the reader stops early, for the answer is still to be sent on the same socket.
    for await (const bytes of this.#request.iterator({ destroyOnReturn: false })) {
      this.#frames?.add(bytes);
      const fault = this.#frames?.fault ?? room.add(bytes);
      if (fault !== undefined) throw fault;
      yield bytes;
    }
    const fault = this.#frames?.end();
    if (fault !== undefined) throw fault;
  }
}

/** A deadline beyond connect-node's, which it is not told of. */
class LongDeadline implements Disposable {
  readonly #passed = new AbortController();
  readonly #timer: Disposable | undefined;

  constructor(header: Headers) {
    const timeoutMs = takeLongTimeout(header);
    if (timeoutMs === undefined) return;
    const reason = new ConnectError("the caller's deadline passed", Code.DeadlineExceeded);
    this.#timer = callLater(timeoutMs, () => this.#passed.abort(reason));
  }

  get signal(): AbortSignal {
    return this.#passed.signal;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }
}

function takeLongTimeout(header: Headers): number | undefined {
  const isGrpc = header.has("grpc-timeout");
  const name = isGrpc ? "grpc-timeout" : "connect-timeout-ms";
  const parse = isGrpc ? parseGrpcTimeout : parseConnectTimeout;
  const { timeoutMs } = parse(header.get(name), Number.MAX_SAFE_INTEGER);
  if (timeoutMs === undefined || timeoutMs <= MAX_TIMEOUT_MS) return undefined;
  header.delete(name);
  return timeoutMs;
}
