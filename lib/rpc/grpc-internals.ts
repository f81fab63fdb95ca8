import type {
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Stream,
  ServerSessionOptions,
} from "node:http2";
import type { Server } from "@grpc/grpc-js";

type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** To be called before the server has a connection injector. grpc-js has no option for these, and keeps its own. */
export function setSessionOptions(server: Server, options: ServerSessionOptions): void {
  const own: unknown = Reflect.get(server, "commonServerOptions");
  if (typeof own !== "object" || own === null) throw moved("HTTP/2 options");
  Object.assign(own, options);
}

/** The HTTP/2 server of the only connection injector. */
export function http2ServerOf(server: Server): Http2Server {
  const servers: unknown = Reflect.get(server, "http2Servers");
  const [first] = servers instanceof Map ? [...servers.keys()] : [];
  if (first === undefined) throw moved("HTTP/2 server");
  return first;
}

/** Lets each call pass by the hook, which calls `serve` to have it served. */
export function interceptCalls(
  server: Http2Server,
  hook: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, serve: () => void) => void,
): void {
  const listeners = server.listeners("stream") as OnStream[];
  server.removeAllListeners("stream");
  server.on("stream", (stream, headers) =>
    hook(stream, headers, () => listeners.forEach((serve) => void serve(stream, headers))),
  );
}

function moved(what: string): Error {
  return new Error(`this release of grpc-js keeps its ${what} elsewhere`);
}
