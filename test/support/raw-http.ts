import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";

/** How a caller leaves: by a reset, in order, or without having read anything. */
export type HangUp = "reset" | "end" | "unread";

export const HANG_UPS: readonly HangUp[] = ["reset", "end", "unread"];

/** Long after the last answer: a connection that was ended in order is not left open for ever. */
const CLOSE_AFTER_MS = 200;

export interface Sending {
  readonly port: number;
  readonly packets: readonly Buffer[];
  readonly hangUp: HangUp;
  /** How long after each packet comes what is next; undefined = at once, before a byte can have been answered. */
  readonly afterMs?: number | undefined;
}

/** Opens a connection, sends the packets, and hangs up. */
export async function sendAndHangUp({ port, packets, hangUp, afterMs }: Sending): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  if (hangUp !== "unread") socket.resume();
  await once(socket, "connect");
  for (const packet of packets) {
    socket.write(packet);
    if (afterMs !== undefined) await setTimeout(afterMs);
  }
  if (hangUp === "reset") socket.resetAndDestroy();
  else if (hangUp === "unread") socket.destroy();
  else socket.end();
  void setTimeout(CLOSE_AFTER_MS).then(() => socket.destroy());
}

/** A request of HTTP/1.1 without a body. */
export function getRequest(path: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${lines(headers)}\r\n`);
}

/** A request of HTTP/1.1 with a body. */
export function postRequest(path: string, contentType: string, body: Buffer): Buffer {
  const headers = { "content-type": contentType, "content-length": String(body.length) };
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${lines(headers)}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function lines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
}

/** A message as gRPC, gRPC-Web and Connect streams carry it: a flag, its length, its bytes. */
export function enveloped(message: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
