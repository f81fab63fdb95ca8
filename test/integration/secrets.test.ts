import { expect, test } from "vitest";
import { SERVICE_NAMES } from "#lib/process/setting.ts";
import { startTestNats } from "#test/support/nats.ts";
import { printedBy } from "#test/support/printed.ts";
import { unusedPort } from "#test/support/unused-port.ts";

const SECRETS = { NATS_AUTH_TOKEN: "s3cret-token", OPENAI_API_KEY: "sk-s3cret-key" };

const FREE_PORTS = {
  MILLRACE_GATEWAY_GRPC_PORT: "0",
  MILLRACE_GATEWAY_HTTP_PORT: "0",
  MILLRACE_MONITOR_GRPC_PORT: "0",
  MILLRACE_MONITOR_HTTP_PORT: "0",
  MILLRACE_WORKER_HTTP_PORT: "0",
  MILLRACE_LOG_LEVEL: "trace",
};

/** As in a namespace whose Services are named so. */
const SERVICE_LINKS = {
  MILLRACE_GATEWAY_PORT: "tcp://10.96.0.7:8080",
  MILLRACE_GATEWAY_SERVICE_HOST: "10.96.0.7",
  MILLRACE_GATEWAY_PORT_8080_TCP_ADDR: "10.96.0.7",
};

test.each(SERVICE_NAMES)("%s shows no secret, whatever is wrong with it", async (service) => {
  const users = [{ user: "me", password: "right" }];
  await using nats = await startTestNats({ extraConfig: { authorization: { users } } });
  const start = (server: string, flags: string[] = [], until?: string) => {
    const env = { ...SECRETS, ...FREE_PORTS, ...SERVICE_LINKS, NATS_SERVERS: server };
    return printedBy([`services/${service}/main.ts`, ...flags], env, until);
  };
  const nobody = await unusedPort();
  const [help, malformed, refused, absent, absentSocket] = await Promise.all([
    start("nats://me:s3cret@127.0.0.1", ["--help"]),
    start("nats://me:s3cret/@127.0.0.1"),
    start(`nats://me:s3cret@127.0.0.1:${nats.port}`),
    start(`nats://s3cret@127.0.0.1:${nobody}`, [], "not usable yet"),
    start(`ws://me:s3cret@127.0.0.1:${nobody}`, [], "not usable yet"),
  ]);
  for (const { output } of [help, malformed, refused, absent, absentSocket])
    expect(output).not.toMatch(/s3cret/);
  expect(help).toMatchObject({ code: 0, output: expect.stringContaining("NATS_AUTH_TOKEN") });
  expect(malformed).toMatchObject({ code: 2, output: expect.stringContaining("percent-encoded") });
  const masked = `nats://me:***@127.0.0.1:${nats.port} refuses our credentials`;
  expect(refused).toMatchObject({ code: 1, output: expect.stringContaining(masked) });
  const where = `can't connect to NATS at nats://***@127.0.0.1:${nobody}: connection refused`;
  expect(absent).toMatchObject({ code: 0, output: expect.stringContaining(where) });
  const socket = `can't connect to NATS at ws://me:***@127.0.0.1:${nobody}: connection failed`;
  expect(absentSocket).toMatchObject({ code: 0, output: expect.stringContaining(socket) });
});
