import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { Broker } from "#lib/broker/broker.ts";
import { natsServers } from "#lib/process/nats-server.ts";
import { openTestBroker, QUIET, TOPOLOGY } from "#test/support/broker.ts";
import { startTestNats, type TestNats } from "#test/support/nats.ts";
import { TcpProxy } from "#test/support/tcp-proxy.ts";
import { until } from "#test/support/until.ts";

const NEVER = new AbortController().signal;
/** It asks the broker how it is every 2 s. */
const UNDER_WAY_MS = 2_100;
/** The answer would be waited for 4 s: until 1.9 s after the cut at the earliest. */
const AT_ONCE_MS = 1_500;
/** A client has read by then what came to it. */
const GREETED_MS = 50;

test("a line that breaks under a question is up again as soon as there is a new one", async () => {
  await using nats = await startTestNats();
  await using line = await TcpProxy.open(nats.port);
  await using broker = await openTestBroker(line.url);
  line.silence("to client");
  await setTimeout(UNDER_WAY_MS);
  const down = Promise.withResolvers<void>();
  using _ = broker.link.onChange((up) => !up && down.resolve());
  line.cut();
  line.heal();
  const cutAt = performance.now();
  await down.promise;
  await broker.link.whenUp(NEVER);
  expect(performance.now() - cutAt).toBeLessThan(AT_ONCE_MS);
});

test("a line that was cut off while it came back is followed as before, and ends when it is asked to", async () => {
  await using nats = await startTestNats();
  await using line = await TcpProxy.open(nats.port);
  const broker = await openTestBroker(line.url);
  const comesBack = async () => {
    await until(() => broker.link.isUp);
    await broker.link.use().nc.flush();
  };
  line.silence("to broker");
  for (const _ of [1, 2]) {
    const { heard } = line;
    line.cut();
    // The server's greeting; what the client says to it stays on the line.
    await until(() => line.heard > heard);
    await setTimeout(GREETED_MS);
  }
  line.cut();
  line.heal();
  await comesBack();

  const down = Promise.withResolvers<void>();
  using _ = broker.link.onChange((up) => !up && down.resolve());
  line.cut();
  const cutAt = performance.now();
  await down.promise;
  expect(performance.now() - cutAt).toBeLessThan(AT_ONCE_MS);
  await comesBack();
  await broker[Symbol.asyncDispose]();
});

test("each server of a list is shown its own credentials, also when the line goes over to it", async () => {
  const withAccess = (authorization: object) => startTestNats({ extraConfig: { authorization } });
  await using first = await withAccess({ user: "me", password: "p@ss/1" });
  await using second = await withAccess({ token: "t%2" });
  const servers = [
    `nats://me:p%40ss%2F1@127.0.0.1:${first.port}`,
    `nats://t%252@127.0.0.1:${second.port}`,
  ];
  await using broker = await openTestBroker(servers.join(","));
  const isOn = ({ port }: TestNats) =>
    broker.link.isUp && broker.link.use().nc.getServer().endsWith(`:${port}`);
  const [from, to] = isOn(first) ? [first, second] : [second, first];
  await from.kill("SIGKILL");
  await until(() => isOn(to));
  await from.restart();
  await to.kill("SIGKILL");
  await until(() => isOn(from));
});

test("a server that is named with tls:// is not used without TLS", async () => {
  await using nats = await startTestNats();
  const reason = Promise.withResolvers<unknown>();
  const log = { ...QUIET, warn: (fields: object) => reason.resolve(fields) };
  const servers = natsServers(nats.url.replace("nats:", "tls:"));
  await using _ = new Broker({ servers, name: "test", log, topology: TOPOLOGY });
  expect(await reason.promise).toMatchObject({ reason: expect.stringContaining("'tls'") });
});
