import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as dial } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, inject, test } from "vitest";
import { type NatsServerOptions, startNatsServer } from "#cli/nats-server/run-nats-server.ts";
import { startTestNats } from "#test/support/nats.ts";
import { NewMachine } from "./new-machine.ts";

async function connected(url: string) {
  const nc = await connect({ servers: url });
  return { nc, [Symbol.asyncDispose]: () => nc.close() };
}

async function on(machine: NewMachine, options: Partial<NatsServerOptions>) {
  const storeDir = join(machine.folder, "store");
  return await startNatsServer({ bin: inject("natsServerBin"), storeDir, ...options });
}

test("a server that has started serves JetStream at once", async () => {
  await using nats = await startTestNats();
  await using connection = await connected(nats.url);
  const manager = await jetstreamManager(connection.nc);
  expect(await manager.getAccountInfo()).toMatchObject({ streams: 0 });
});

test("a server that was killed comes back on the same port with all that it had stored", async () => {
  await using nats = await startTestNats();
  await using before = await connected(nats.url);
  const manager = await jetstreamManager(before.nc);
  await manager.streams.add({ name: "KEPT", subjects: ["kept"] });
  await jetstream(before.nc).publish("kept", "a");
  await nats.kill("SIGKILL");
  await nats.restart();
  await using after = await connected(nats.url);
  const { state } = await (await jetstreamManager(after.nc)).streams.info("KEPT");
  expect(state.messages).toBe(1);
});

test("a server that is paused answers nothing until it is resumed", async () => {
  await using nats = await startTestNats();
  await using connection = await connected(nats.url);
  await nats.pause();
  let resumed = false;
  const answered = connection.nc.flush().then(() => resumed);
  await using other = await startTestNats();
  await (await connected(other.url)).nc.close();
  resumed = true;
  nats.resume();
  expect(await answered).toBe(true);
});

test("a server that is paused can be stopped", async () => {
  await using machine = await NewMachine.create();
  await using server = await on(machine, {});
  server.kill("SIGSTOP");
  await server.stop();
  expect(await server.exited).toEqual({ code: 0, signal: null });
});

test("the monitoring endpoint and further settings are there when asked for", async () => {
  await using machine = await NewMachine.create();
  const extraConfig = { server_name: "millrace", jetstream: { max_file_store: 1_000_000 } };
  await using server = await on(machine, { monitorPort: 0, syncInterval: "always", extraConfig });
  const seen = await (await fetch(`${server.monitorUrl}/varz`)).json();
  expect(seen).toMatchObject({
    server_name: "millrace",
    max_payload: 1_048_576,
    jetstream: { config: { max_storage: 1_000_000, sync_always: true } },
  });
});

test("a server on an IPv6 address serves, and so does its monitoring endpoint", async () => {
  await using machine = await NewMachine.create();
  await using server = await on(machine, { host: "::1", monitorPort: 0 });
  expect(server.url).toBe(`nats://[::1]:${server.port}`);
  await using connection = await connected(server.url);
  await jetstreamManager(connection.nc);
  expect((await fetch(`${server.monitorUrl}/varz`)).ok).toBe(true);
});

test("a port in use is named, with what to do about it", async () => {
  await using machine = await NewMachine.create();
  await using first = await startTestNats();
  await expect(on(machine, { port: first.port })).rejects.toThrow(
    `127.0.0.1:${first.port} is in use: stop what listens there, ` +
      "or choose another port (0 picks a free one)",
  );
});

test("a store that cannot be written is named", async () => {
  await using machine = await NewMachine.create();
  const storeDir = await machine.script("a-file", "");
  const refused = expect(on(machine, { storeDir })).rejects;
  await refused.toMatchObject({ problem: "store-not-writable" });
  await refused.toThrow(storeDir);
});

test("what is not a nats-server is not run", async () => {
  await using machine = await NewMachine.create();
  const bin = await machine.script("other", "echo hello");
  await expect(on(machine, { bin })).rejects.toThrow(`${bin} runs, but is not a nats-server`);
});

test("a server that refuses its settings is quoted", async () => {
  await using machine = await NewMachine.create();
  const extraConfig = { no_such_setting: true };
  await expect(on(machine, { extraConfig })).rejects.toThrow(/would not start.*no_such_setting/);
});

test("a server that never serves is given up and ended", async () => {
  await using machine = await NewMachine.create();
  const bin = await machine.script(
    "mute",
    `[ "$1" = --version ] && echo "nats-server: v2.15.2" && exit; exec /bin/sleep 600`,
  );
  await expect(on(machine, { bin, startTimeoutMs: 100 })).rejects.toThrow(
    "nats-server did not serve within 0.1 s",
  );
});

test("a server does not outlive whoever started it, even if that one is killed", async () => {
  await using machine = await NewMachine.create();
  const options = { bin: inject("natsServerBin"), storeDir: join(machine.folder, "store") };
  const starter = spawn(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { startNatsServer } from "#cli/nats-server/run-nats-server.ts";
       console.log((await startNatsServer(${JSON.stringify(options)})).port);`,
    ],
    {
      cwd: dirname(dirname(dirname(import.meta.dirname))),
      env: { ...process.env, TMPDIR: machine.folder },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [port] = await once(createInterface(starter.stdout), "line");
  const socket = dial(Number(port), "127.0.0.1").resume();
  await once(socket, "connect");
  starter.kill("SIGKILL");
  // Only a server that ends lets go of a connection; gone is gone, in whatever way.
  await once(socket, "close").catch(() => {});
  expect(socket.destroyed).toBe(true);
});
