import { type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";

const written = new WeakMap<Message, Uint8Array | undefined>();

/** Marks a message that many callers of the gRPC door get, and that nobody changes any more: its bytes are written once. */
export function shared<M extends Message>(message: M): M {
  written.set(message, undefined);
  return message;
}

export function bytesOf(schema: DescMessage, message: Message): Uint8Array {
  const before = written.get(message);
  if (before !== undefined) return before;
  const bytes = toBinary(schema, message);
  if (written.has(message)) written.set(message, bytes);
  return bytes;
}
