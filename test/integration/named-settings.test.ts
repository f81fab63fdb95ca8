import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { printedBy } from "#test/support/printed.ts";

let server: Server;
let port: string;

beforeAll(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  port = String((server.address() as AddressInfo).port);
});

afterAll(() => {
  server.close();
});

/** The end of what a service says that can't start. */
function lastWords(service: string, env: NodeJS.ProcessEnv, ...flags: string[]) {
  const quiet = { MILLRACE_LOG_LEVEL: "fatal", NATS_SERVERS: "nats://127.0.0.1:1", ...env };
  return printedBy([`services/${service}/main.ts`, ...flags], quiet);
}

test.each([
  ["gateway", "--gateway-grpc-port"],
  ["monitor", "--monitor-http-port", "--monitor-grpc-port", "0"],
  ["worker", "--worker-http-port"],
])("a %s whose port is taken names %s, which it was given by", async (service, flag, ...more) => {
  const { code, output } = await lastWords(service, {}, flag, port, ...more);
  expect(code).toBe(1);
  expect(output).toContain(`can't listen on 127.0.0.1:${port}: the port is taken`);
  expect(output).toContain(`: set ${flag}`);
});

test("a variable is named as well, and so is a host", async () => {
  const variable = await lastWords("gateway", { MILLRACE_GATEWAY_GRPC_PORT: port });
  expect(variable.output).toContain(": set MILLRACE_GATEWAY_GRPC_PORT");
  const host = await lastWords("worker", {}, "--host", "192.0.2.1", "--worker-http-port", "0");
  expect(host.output).toContain(": set --host");
});

test("a server that is not there is to be set by the flag that named it", async () => {
  const flags = ["--nats-servers", "nats://127.0.0.1:1", "--log-level", "warn"];
  const doors = ["--gateway-grpc-port", "0", "--gateway-http-port", "0"];
  const words = "set --nats-servers to where one runs";
  const main = ["services/gateway/main.ts", ...flags, ...doors];
  expect((await printedBy(main, {}, words)).output).toContain(words);
});
