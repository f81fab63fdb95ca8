import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * The HTTP/1.1 connections on which an answer goes out that may never end. A request that comes behind it would wait for
 * ever. Worse, Node stops reading a connection on which 64 KiB of answers wait, and then does not see that the caller has
 * hung up: the connection would stay for good, with all that waits. So such a request ends its connection, which a client
 * that sends one request behind the other must expect at any time (RFC 9112, section 9.3.2).
 */
export class StreamConnections {
  readonly #sockets = new WeakSet<Socket>();

  /** To be called as soon as the request is there: those behind it may be in the same packet. */
  add({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#sockets.add(socket);
    response.once("close", () => this.#sockets.delete(socket));
  }

  /** Ends the connection of a request that came behind a stream; false for all others. */
  endIfBehind({ socket }: IncomingMessage): boolean {
    if (!this.#sockets.has(socket)) return false;
    socket.destroy();
    return true;
  }
}
