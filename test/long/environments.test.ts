import { describe, test } from "vitest";
import {
  AS_UNKNOWN_USER,
  onHost,
  onReadOnlyDisk,
  whyNot,
  withOpenFiles,
} from "#test/support/environments.ts";
import { startTestNats, type TestNats, type TestNatsOptions } from "#test/support/nats.ts";
import { System } from "#test/support/system.ts";
import { expectToWork } from "#test/support/whole-system.ts";

interface Environment {
  readonly where: string;
  /** What the processes are started through. */
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nats?: TestNatsOptions;
  /** NATS_SERVERS, where that is not only the address. */
  readonly servers?: (nats: TestNats) => string;
}

/** What Kubernetes puts into every pod for a Service of the namespace. */
function serviceLinks(service: string, port: number): Record<string, string> {
  const prefix = service.toUpperCase().replaceAll("-", "_");
  const tcp = `${prefix}_PORT_${port}_TCP`;
  return {
    [`${prefix}_SERVICE_HOST`]: "10.0.0.7",
    [`${prefix}_SERVICE_PORT`]: String(port),
    [`${prefix}_SERVICE_PORT_HTTP`]: String(port),
    [`${prefix}_PORT`]: `tcp://10.0.0.7:${port}`,
    [tcp]: `tcp://10.0.0.7:${port}`,
    [`${tcp}_PROTO`]: "tcp",
    [`${tcp}_PORT`]: String(port),
    [`${tcp}_ADDR`]: "10.0.0.7",
  };
}

const KUBERNETES = {
  ...serviceLinks("kubernetes", 443),
  ...serviceLinks("nats", 4222),
  ...serviceLinks("millrace", 8080),
  ...serviceLinks("millrace-gateway", 8080),
  ...serviceLinks("millrace-worker", 8082),
  ...serviceLinks("millrace-monitor", 8081),
};

const ENVIRONMENTS: readonly Environment[] = [
  { where: "on a read-only file system", through: onReadOnlyDisk(process.cwd()) },
  { where: "as a user without name and home", through: AS_UNKNOWN_USER },
  { where: "with a home that is not there", env: { HOME: "/no-such-home/ada" } },
  { where: "with 64 open files", through: withOpenFiles(64) },
  { where: "by IPv6", env: { MILLRACE_HOST: "::1" }, nats: { host: "::1" } },
  { where: "on a host with dots", through: onHost("Web-1.Rack-7.example.com.") },
  { where: "on a host with a name of 64 bytes", through: onHost("x".repeat(64)) },
  { where: "on a host with a name that is none for DNS", through: onHost("Büro_2 <b>") },
  { where: "on a host without a name", through: onHost("") },
  { where: "among the variables of Kubernetes", env: KUBERNETES },
  {
    where: "on a broker with user and password",
    nats: { extraConfig: { authorization: { users: [{ user: "ada", password: "p@ss:w/rd" }] } } },
    servers: ({ port }) => `nats://ada:p%40ss%3Aw%2Frd@127.0.0.1:${port}`,
  },
  {
    where: "on a broker with a name that is none for DNS",
    nats: { extraConfig: { server_name: "NATS.ost-1_Ü:*>" } },
  },
];

describe.each(ENVIRONMENTS)("$where", ({ through = [], env = {}, nats = {}, servers }) => {
  test("a whole system works", async ({ skip }) => {
    const reason = whyNot(through);
    skip(reason !== undefined, reason);
    const broker = await startTestNats(nats);
    const at = servers && { NATS_SERVERS: servers(broker) };
    await using system = System.on(broker, { ...env, ...at }, { through });
    await expectToWork(system);
  });
});
