import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A way to a door that a test can cut, as a crash of the client's machine would. */
export interface Wire extends AsyncDisposable {
  readonly port: number;
  cut(): void;
}

export async function openWire(doorPort: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(doorPort, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const cut = () => sockets.forEach((socket) => void socket.destroy());
  return {
    port: address.port,
    cut,
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
    },
  };
}
