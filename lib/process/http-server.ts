import {
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";

/** Requests of one connection that wait for their answers. Few clients send a request before they have the last answer. */
const MAX_WAITING = 16;

/**
 * An HTTP/1.1 server that no hang-up ends. Node tells a hang-up as an "error" of each request and response that is
 * still open, and ends the process where none listens to it. Whoever reads a request listens only while it reads, and of
 * pipelined requests one can be read to its end before its turn comes. So each has a listener of ours for its whole life.
 *
 * Node hands out all requests of a packet at once, also those before which more wait than their caller will ever read.
 * So a connection on which too many wait is ended.
 */
export function httpServer(options: ServerOptions, answer: RequestListener): Server {
  const waiting = new WeakMap<Socket, number>();
  const count = (socket: Socket, change: 1 | -1): number => {
    const sum = (waiting.get(socket) ?? 0) + change;
    waiting.set(socket, sum);
    return sum;
  };
  // biome-ignore lint/plugin: the one place that makes them
  return createServer(options, (request, response) => {
    request.on("error", ignore);
    response.on("error", ignore);
    const { socket } = request;
    response.once("close", () => count(socket, -1));
    if (count(socket, 1) > MAX_WAITING) socket.destroy();
    if (!socket.destroyed) answer(request, response);
  });
}

/** Answers with status 500. An answer of which a part is out already is cut off, for it must not look whole. */
export function failAnswer(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(500).end();
}

/** What reads or writes it hears of it too, and nobody is left to be told. */
function ignore(): void {}
