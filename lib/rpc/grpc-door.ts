import { createServer, type Socket } from "node:net";
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from "@grpc/grpc-js";
import { allowCancels } from "./allow-cancels.ts";
import { type Door, type DoorOptions, MAX_MESSAGE_BYTES } from "./door.ts";
import { mount } from "./grpc-mount.ts";
import { callInterceptors } from "./interceptors.ts";
import { leaveWithin } from "./leave-within.ts";
import { Leaving } from "./leaving.ts";
import { listen } from "./listen.ts";

const SERVER_OPTIONS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  // A caller that froze or lost its network is found within 30 s, and its calls end.
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.enable_channelz": 0,
};

// It prints to the console, and what callers sent with it: each header whose value is not ASCII.
setLogVerbosity(logVerbosity.NONE);

/** Opens a port that speaks gRPC, without TLS. */
export async function openGrpcDoor(options: DoorOptions): Promise<Door> {
  const leaving = new Leaving();
  const server = new Server(SERVER_OPTIONS);
  allowCancels(server);
  mount(server, options.services, callInterceptors(options, leaving));
  const sockets = new Set<Socket>();
  // We accept, grpc-js serves: its own bindAsync prints to the console and hides the system's error code.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  // biome-ignore lint/plugin: each connection has its listener below
  const listener = createServer({ noDelay: true }, (socket) => {
    // grpc-js listens only from when it takes the connection to when it lets go of it.
    socket.on("error", () => {});
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  const { address, port } = await listen(listener, options);

  const stop = () =>
    leaveWithin(options.leaveGraceMs, leaving, {
      close() {
        // Sends GOAWAY. Its callback would come too early: before the calls that run have ended.
        server.tryShutdown(() => {});
        return new Promise((resolve) => listener.close(() => resolve()));
      },
      destroy: () => sockets.forEach((socket) => void socket.destroy()),
    });
  let left: Promise<void> | undefined;
  const leave = () => (left ??= stop());
  return { url: `http://${address}`, address, port, leave, [Symbol.asyncDispose]: leave };
}
