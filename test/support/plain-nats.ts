import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { inject } from "vitest";
import { unusedPort } from "./unused-port.ts";

/** A nats-server as many run it: without JetStream. */
export async function startPlainNats() {
  const port = await unusedPort();
  const server = spawn(inject("natsServerBin"), ["-a", "127.0.0.1", "-p", String(port)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(server, "exit");
  const ready = Promise.withResolvers<void>();
  createInterface(server.stderr).on("line", (line) => {
    if (line.includes("Server is ready")) ready.resolve();
  });
  await ready.promise;
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      await exited;
    },
  };
}
