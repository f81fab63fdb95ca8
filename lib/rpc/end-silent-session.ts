import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { callLater } from "#lib/async/timers.ts";

const STATUS = {
  "grpc-status": String(Code.Unavailable),
  "grpc-message": "the connection did not answer pings",
};

interface Silent {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  /** The calls of the session that have not ended. */
  readonly calls: () => Iterable<ServerHttp2Stream>;
  /** How long what was sent last may take. */
  readonly farewellMs: number;
}

/**
 * grpc-js destroys a session whose pings are not answered, and so resets its calls without a status. A caller that froze,
 * and reads that after all, takes it for INTERNAL. So each call is told UNAVAILABLE first.
 */
export function endCallsBeforeDestroy({ session, socket, calls, farewellMs }: Silent): void {
  const destroy = session.destroy.bind(session);
  session.destroy = (error, code) => {
    const open = error === undefined && !socket.destroyed ? [...calls()] : [];
    if (open.length === 0) return destroy(error, code);
    session.destroy = destroy;
    for (const stream of open) endCall(stream);
    // Not the session: it would reset what was not sent yet.
    callLater(farewellMs, () => socket.destroy());
  };
}

function endCall(stream: ServerHttp2Stream): void {
  if (stream.destroyed || stream.writableEnded) return;
  if (!stream.headersSent) {
    const header = { ":status": 200, "content-type": "application/grpc+proto" };
    stream.respond({ ...header, ...STATUS }, { endStream: true });
    return;
  }
  stream.once("wantTrailers", () => stream.sendTrailers(STATUS));
  stream.end();
}
