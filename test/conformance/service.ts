import { setTimeout as delay } from "node:timers/promises";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import {
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  ConformancePayload_RequestInfoSchema,
  type ConformancePayloadSchema,
  type ConformanceService,
  type Error as ErrorDefinition,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";

type Payload = MessageInitShape<typeof ConformancePayloadSchema>;
type Answer = { readonly payload: Payload };
type Info = MessageInitShape<typeof ConformancePayload_RequestInfoSchema>;

/** Answers what each request asks to be answered, and tells what it was asked: see the comments in service.proto. */
export const conformanceService: ServiceImpl<typeof ConformanceService> = {
  unary: async (request, context) => {
    const requests = [pack(UnaryRequestSchema, request)];
    return { payload: await unaryPayload(request.responseDefinition, requests, context) };
  },

  idempotentUnary: async (request, context) => {
    const requests = [pack(IdempotentUnaryRequestSchema, request)];
    return { payload: await unaryPayload(request.responseDefinition, requests, context) };
  },

  clientStream: async (stream, context) => {
    const messages = await Array.fromAsync(stream);
    const requests = messages.map((message) => pack(ClientStreamRequestSchema, message));
    return { payload: await unaryPayload(messages[0]?.responseDefinition, requests, context) };
  },

  async *serverStream(request, context) {
    const definition = request.responseDefinition;
    if (definition === undefined) return;
    addMetadata(definition, context);
    const info = requestInfo([pack(ServerStreamRequestSchema, request)], context);
    yield* payloads(definition, definition.responseData, info);
    if (definition.error === undefined) return;
    throw errorOf(definition.error, definition.responseData.length === 0 ? info : undefined);
  },

  async *bidiStream(stream, context) {
    const answers = new BidiAnswers(context);
    for await (const request of stream) {
      answers.begin(request.responseDefinition, request.fullDuplex);
      answers.requests.push(pack(BidiStreamRequestSchema, request));
      if (!answers.fullDuplex) continue;
      if (answers.left.length === 0) break;
      yield* answers.next();
    }
    yield* answers.rest();
    answers.fail();
  },

  unimplemented() {
    throw new ConnectError("not implemented, as the tests want it", Code.Unimplemented);
  },
};

/** What is left to be answered on a stream whose requests may still come in. */
class BidiAnswers {
  requests: Any[] = [];
  left: Uint8Array[] = [];
  fullDuplex = false;
  readonly #context: HandlerContext;
  #definition: StreamResponseDefinition | undefined;
  #answered = 0;

  constructor(context: HandlerContext) {
    this.#context = context;
  }

  /** Only the first request says how to answer. */
  begin(definition: StreamResponseDefinition | undefined, fullDuplex: boolean): void {
    if (this.requests.length > 0 || this.#definition !== undefined) return;
    this.fullDuplex = fullDuplex;
    this.#definition = definition;
    if (definition === undefined) return;
    this.left = [...definition.responseData];
    addMetadata(definition, this.#context);
  }

  /** One answer, with the requests since the last one. */
  next(): AsyncGenerator<Answer> {
    const info = this.#answered === 0 ? this.#info() : { requests: this.requests };
    this.requests = [];
    this.#answered += 1;
    return payloads(this.#definition, this.left.splice(0, 1), info);
  }

  async *rest(): AsyncGenerator<Answer> {
    if (this.#answered === 0 && this.left.length > 0) yield* this.next();
    this.#answered += this.left.length;
    yield* payloads(this.#definition, this.left);
  }

  fail(): void {
    const error = this.#definition?.error;
    if (error !== undefined) throw errorOf(error, this.#answered === 0 ? this.#info() : undefined);
  }

  #info(): Info {
    return requestInfo(this.requests, this.#context);
  }
}

/** One payload for each of the data; the first tells of the request. */
async function* payloads(
  definition: StreamResponseDefinition | undefined,
  data: readonly Uint8Array[],
  info?: Info,
): AsyncGenerator<Answer> {
  for (const [index, each] of data.entries()) {
    await delay(definition?.responseDelayMs ?? 0);
    yield { payload: { data: each, ...(index === 0 && info && { requestInfo: info }) } };
  }
}

async function unaryPayload(
  definition: UnaryResponseDefinition | undefined,
  requests: Any[],
  context: HandlerContext,
): Promise<Payload> {
  const info = requestInfo(requests, context);
  if (definition === undefined) return { requestInfo: info };
  addMetadata(definition, context);
  await delay(definition.responseDelayMs);
  const { response } = definition;
  if (response.case === "error") throw errorOf(response.value, info);
  return { requestInfo: info, ...(response.case === "responseData" && { data: response.value }) };
}

function addMetadata(
  definition: Pick<UnaryResponseDefinition, "responseHeaders" | "responseTrailers">,
  context: HandlerContext,
): void {
  append(definition.responseHeaders, context.responseHeader);
  append(definition.responseTrailers, context.responseTrailer);
}

function append(fields: readonly Header[], headers: Headers): void {
  for (const { name, value } of fields) for (const each of value) headers.append(name, each);
}

function requestInfo(requests: Any[], context: HandlerContext): Info {
  const timeoutMs = context.timeoutMs();
  const isGet = context.requestMethod === "GET";
  return {
    requestHeaders: [...context.requestHeader].map(field),
    requests,
    ...(timeoutMs !== undefined && { timeoutMs: BigInt(Math.max(0, Math.trunc(timeoutMs))) }),
    ...(isGet && {
      connectGetInfo: { queryParams: [...new URL(context.url).searchParams].map(field) },
    }),
  };
}

function field([name, value]: [string, string]) {
  return { name, value: [value] };
}

/** The error that is asked for. It tells of the request where no answer does. */
function errorOf(definition: ErrorDefinition, info?: Info): ConnectError {
  const code: number = definition.code;
  const error = new ConnectError(definition.message ?? "", code);
  error.details = definition.details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  if (info !== undefined)
    error.details.push({ desc: ConformancePayload_RequestInfoSchema, value: info });
  return error;
}

function pack<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): Any {
  return anyPack(desc, message);
}
