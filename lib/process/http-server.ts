import {
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";

/**
 * An HTTP/1.1 server that no hang-up ends. Node tells a hang-up as an "error" of each request and response that is
 * still open, and ends the process where none listens to it. Whoever reads a request listens only while it reads, and of
 * pipelined requests one can be read to its end before its turn comes. So each has a listener of ours for its whole life.
 */
export function httpServer(options: ServerOptions, answer: RequestListener): Server {
  // biome-ignore lint/plugin: the one place that makes them
  return createServer(options, (request, response) => {
    request.on("error", ignore);
    response.on("error", ignore);
    answer(request, response);
  });
}

/** Answers with status 500. An answer of which a part is out already is cut off, for it must not look whole. */
export function failAnswer(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(500).end();
}

/** What reads or writes it hears of it too, and nobody is left to be told. */
function ignore(): void {}
