import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { startTestNats } from "#test/support/nats.ts";
import { startPlainNats } from "#test/support/plain-nats.ts";
import { Service } from "#test/support/service.ts";

/** Speaks just enough of the NATS protocol to be taken for an old server. */
async function oldServer() {
  const server = createServer((socket) => {
    socket.write(
      `INFO ${JSON.stringify({ server_id: "old", version: "2.9.10", max_payload: 1 })}\r\n`,
    );
    socket.on("data", (data) => {
      if (String(data).includes("PING")) socket.write("PONG\r\n");
    });
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `nats://127.0.0.1:${port}`,
    [Symbol.dispose]: () => void server.close(),
  };
}

function worker(env: Record<string, string>): Service {
  return new Service("services/worker/main.ts", { MILLRACE_WORKER_HTTP_PORT: "0", ...env });
}

test("an old nats-server is refused by name and version, without a stack", async () => {
  using server = await oldServer();
  await using service = worker({ NATS_SERVERS: server.url });
  expect(await service.exited).toBe(1);
  expect(service.tail()).toContain("is version 2.9.10; Millrace needs 2.14.2 or newer");
  expect(service.tail()).not.toContain("    at ");
});

test("a nats-server that takes small messages only is refused before there are tasks, with what to set", async () => {
  await using nats = await startTestNats({ extraConfig: { max_payload: 65_536 } });
  await using service = worker({ NATS_SERVERS: nats.url });
  expect(await service.exited).toBe(1);
  expect(service.tail()).toContain(
    "takes messages of 65536 bytes at most (max_payload); Millrace needs 131072 or more",
  );
  expect(service.tail()).not.toContain("    at ");
});

test("a wrong token is named, and not printed", async () => {
  await using nats = await startTestNats({ extraConfig: { authorization: { token: "right" } } });
  await using service = worker({ NATS_SERVERS: nats.url, NATS_AUTH_TOKEN: "wrong-one" });
  expect(await service.exited).toBe(1);
  expect(service.tail()).toContain("check NATS_AUTH_TOKEN");
  expect(service.tail()).not.toContain("wrong-one");
});

test("a token that is missing is asked for, with the settings that can name one", async () => {
  await using nats = await startTestNats({ extraConfig: { authorization: { token: "right" } } });
  await using service = worker({ NATS_SERVERS: nats.url });
  expect(await service.exited).toBe(1);
  expect(service.tail()).toContain("asks for credentials; set NATS_AUTH_TOKEN, or NATS_SERVERS=");
});

test("a NATS without JetStream is named with what to do, and waited for", async () => {
  await using nats = await startPlainNats();
  await using service = worker({ NATS_SERVERS: nats.url });
  const { reason } = await service.logged("broker is not usable yet");
  expect(reason).toContain(
    `127.0.0.1:${nats.port} runs without JetStream. Start it with JetStream`,
  );
  expect(service.hasExited).toBe(false);
});

test("a store that is too small for the settings is named with what to change", async () => {
  await using nats = await startTestNats({
    extraConfig: { jetstream: { max_file_store: 1_000_000 } },
  });
  await using service = worker({ NATS_SERVERS: nats.url });
  expect(await service.exited).toBe(1);
  expect(service.tail()).toContain("MR_EVENTS");
  expect(service.tail()).toContain("*_MAX_BYTES");
});

test("a setting that does not exist is named, and the exit code is 2", async () => {
  await using service = worker({ MILLRACE_WORKER_CONCURENCY: "3" });
  expect(await service.exited).toBe(2);
  expect(service.stderr).toContain(
    "unknown setting MILLRACE_WORKER_CONCURENCY (did you mean MILLRACE_WORKER_CONCURRENCY?)",
  );
});

test("a value that is not allowed is named with what is", async () => {
  await using service = worker({ MILLRACE_WORKER_CONCURRENCY: "many" });
  expect(await service.exited).toBe(2);
  expect(service.stderr).toContain("must be a whole number from 1 to 10000");
  expect(service.stderr).toContain("MILLRACE_WORKER_CONCURRENCY");
});

test("a port that is taken is named with what to do, also while the broker is still being dialed", async () => {
  await using nats = await startTestNats();
  await using service = new Service("services/gateway/main.ts", {
    NATS_SERVERS: nats.url,
    MILLRACE_GATEWAY_GRPC_PORT: "0",
    MILLRACE_GATEWAY_HTTP_PORT: String(nats.port),
  });
  expect(await service.exited).toBe(1);
  expect(service.tail()).toContain(`127.0.0.1:${nats.port}: the port is taken`);
  expect(service.tail()).toContain(": set MILLRACE_GATEWAY_HTTP_PORT");
  expect(service.tail()).not.toContain("    at ");
});
