import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import {
  Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { toHeaders } from "#lib/rpc/grpc-metadata.ts";

/** What Connect's clients need, done by a plain grpc-js client: unary calls and server streams. */
export function grpcJsTransport(port: number): Transport & Disposable {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    // biome-ignore lint/complexity/useMaxParams: the signature is Connect's.
    unary(method, signal, timeoutMs, header, input) {
      const { path, serialize, deserialize } = wireOf(method);
      return new Promise((resolve, reject) => {
        let message: MessageShape<typeof method.output> | undefined;
        const call = client.makeUnaryRequest(
          path,
          serialize,
          deserialize,
          create(method.input, input),
          toMetadata(new Headers(header)),
          deadlineIn(timeoutMs),
          (error, answer) => {
            if (error) reject(toConnectError(error));
            else message = answer;
          },
        );
        const told = listen(call, signal);
        call.once("status", () => {
          if (message) resolve({ stream: false, service: method.parent, method, ...told, message });
        });
      });
    },
    // biome-ignore lint/complexity/useMaxParams: the signature is Connect's.
    async stream(method, signal, timeoutMs, header, inputs) {
      const { path, serialize, deserialize } = wireOf(method);
      const [input] = await Array.fromAsync(inputs);
      const call = client.makeServerStreamRequest(
        path,
        serialize,
        deserialize,
        create(method.input, input),
        toMetadata(new Headers(header)),
        deadlineIn(timeoutMs),
      );
      const told = listen(call, signal);
      return { stream: true, service: method.parent, method, ...told, message: messagesOf(call) };
    },
    [Symbol.dispose]: () => client.close(),
  };
}

function wireOf<O extends DescMessage>({
  parent,
  name,
  input,
  output,
}: Pick<DescMethod, "parent" | "name" | "input"> & { readonly output: O }) {
  return {
    path: `/${parent.typeName}/${name}`,
    serialize: (message: Message) => Buffer.from(toBinary(input, message)),
    deserialize: (bytes: Buffer): MessageShape<O> => fromBinary(output, bytes),
  };
}

function deadlineIn(timeoutMs: number | undefined): { deadline?: number } {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

/** Header and trailer, filled in as they arrive. */
function listen<T>(
  call: ClientUnaryCall | ClientReadableStream<T>,
  signal: AbortSignal | undefined,
): { header: Headers; trailer: Headers } {
  const told = { header: new Headers(), trailer: new Headers() };
  const fill = (target: Headers, source: Headers) => {
    for (const [name, value] of source) target.set(name, value);
  };
  call.on("metadata", (metadata) => fill(told.header, toHeaders(metadata)));
  call.on("status", (status) => fill(told.trailer, toHeaders(status.metadata)));
  signal?.addEventListener("abort", () => call.cancel());
  if (signal?.aborted) call.cancel();
  return told;
}

async function* messagesOf<T>(call: ClientReadableStream<T>): AsyncGenerator<T> {
  try {
    yield* call;
  } catch (error) {
    throw isServiceError(error) ? toConnectError(error) : error;
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "metadata" in error;
}

function toConnectError(error: ServiceError): ConnectError {
  const code: number = error.code;
  return findTrailerError(toHeaders(error.metadata)) ?? new ConnectError(error.details, code);
}

function toMetadata(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers) {
    if (!name.endsWith("-bin")) metadata.add(name, value);
    else for (const one of value.split(",")) metadata.add(name, Buffer.from(one, "base64"));
  }
  return metadata;
}
