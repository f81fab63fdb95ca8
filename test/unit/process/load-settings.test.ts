import { expect, test, vi } from "vitest";
import { loadSettings, withoutServiceLinks } from "#lib/process/load-settings.ts";

const load = (env: NodeJS.ProcessEnv, ...flags: string[]) =>
  loadSettings("gateway", env, ["node", "gateway", ...flags]);

/** What Kubernetes tells every container of a Service with a port 8080. */
function serviceLinksOf(name: string): NodeJS.ProcessEnv {
  return {
    [`${name}_SERVICE_HOST`]: "10.96.0.7",
    [`${name}_SERVICE_PORT`]: "8080",
    [`${name}_SERVICE_PORT_CONNECT`]: "8080",
    [`${name}_PORT`]: "tcp://10.96.0.7:8080",
    [`${name}_PORT_8080_TCP`]: "tcp://10.96.0.7:8080",
    [`${name}_PORT_8080_TCP_PROTO`]: "tcp",
    [`${name}_PORT_8080_TCP_PORT`]: "8080",
    [`${name}_PORT_8080_TCP_ADDR`]: "10.96.0.7",
  };
}

test.each(["MILLRACE", "MILLRACE_GATEWAY", "MILLRACE_MONITOR", "MILLRACE_NATS", "MILLRACE_PORT"])(
  "starts beside a Kubernetes Service %s",
  (name) => {
    expect(load(serviceLinksOf(name))).toMatchObject({ gatewayHttpPort: 8080 });
  },
);

test("starts beside a container that Docker links", () => {
  const more = { MILLRACE_GATEWAY_NAME: "/web/gateway", MILLRACE_GATEWAY_ENV_NODE_VERSION: "24" };
  expect(() => load({ ...serviceLinksOf("MILLRACE_GATEWAY"), ...more })).not.toThrow();
});

test("a Service whose variable takes the name of a setting leaves the default, with a warning", () => {
  const warnings: string[] = [];
  const links = serviceLinksOf("MILLRACE_GATEWAY_HTTP");
  expect(withoutServiceLinks(links, (text) => warnings.push(text))).toEqual({});
  expect(warnings).toEqual([
    expect.stringMatching(
      /^MILLRACE_GATEWAY_HTTP_PORT="tcp:.*counts as not set; enableServiceLinks/,
    ),
  ]);
});

test("a port that somebody has set is kept beside the other variables of such a Service", () => {
  const env = { ...serviceLinksOf("MILLRACE_GATEWAY_HTTP"), MILLRACE_GATEWAY_HTTP_PORT: "9000" };
  expect(load(env).gatewayHttpPort).toBe(9000);
});

test.each([
  ["MILLRACE_GATEWAY_PORT", "8080", "MILLRACE_GATEWAY_GRPC_PORT"],
  ["MILLRACE_QUEUE", "a", "MILLRACE_QUEUES"],
  ["MILLRACE_LOGLEVEL", "info", "MILLRACE_LOG_LEVEL"],
])("a misspelled %s is refused, with the setting that was meant", (name, value, meant) => {
  const text = `unknown setting ${name} (did you mean ${meant}?); \`--help\` lists`;
  expect(() => load({ [name]: value })).toThrow(text);
});

test("an unknown variable that is near to none is refused without a guess", () => {
  expect(() => load({ MILLRACE_TYPO: "1" })).toThrow("unknown setting MILLRACE_TYPO; `--help`");
  const alone = { MILLRACE_SERVICE_HOST: "10.0.0.1" };
  expect(() => load(alone)).toThrow("unknown setting MILLRACE_SERVICE_HOST; `--help`");
});

test("a password in the address of an API is refused without being quoted", () => {
  const env = { OPENAI_BASE_URL: "https://me:s3cret@api.example" };
  const start = () => loadSettings("worker", env, ["node", "worker"]);
  expect(start).toThrow(/^OPENAI_BASE_URL: must not have a user or password$/);
});

test("the variable of the command line does not keep a service from starting", () => {
  expect(() => load({ MILLRACE_SERVER: "gateway:50051" })).not.toThrow();
});

test("a secret is refused as a flag, which everyone sees who lists the processes, and not quoted", () => {
  const refusal = (...flags: string[]) => {
    try {
      return load({}, ...flags) && "taken";
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(refusal("--nats-auth-token", "s3cret")).toMatch(/can't be a flag.*NATS_AUTH_TOKEN$/);
  const address = "nats://u:s3cret@127.0.0.1";
  expect(refusal("--nats-servers", address)).toMatch(/can't be a flag.*NATS_SERVERS$/);
  expect(refusal("--nats-servers", address, "--nats-auth-token=s3cret")).not.toContain("s3cret");
  expect(refusal("--nats-servers", "nats://127.0.0.1:4223")).toBe("taken");
});

test.each([
  { MILLRACE_CORS_ORIGINS: "http://u:se#kret@x" },
  { MILLRACE_ALLOWED_HOSTS: "http://u:se,kret@x" },
  { MILLRACE_GATEWAY_GRPC_PORT: "u:se kret@x" },
])("no part of a password that holds what ends an address is quoted: %o", (env) => {
  expect(() => load(env)).toThrow("***@x");
  expect(() => load(env)).not.toThrow(/se|kret/);
});

test("what a Service's variable holds is told in one line, without its password", () => {
  const warnings: string[] = [];
  const links = {
    ...serviceLinksOf("MILLRACE_GATEWAY_HTTP"),
    MILLRACE_GATEWAY_HTTP_PORT: "tcp://u:kret@x\u001b[31m\nFORGED",
  };
  withoutServiceLinks(links, (text) => warnings.push(text));
  expect(warnings[0]).toContain('"tcp://***@x\\u001b[31m\\nFORGED"');
});

test("a flag that nobody knows is refused in one line, without its value", () => {
  const lines: string[] = [];
  const write = vi.spyOn(process.stderr, "write").mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
  expect(() => load({}, "--gatewy-host=sekret")).toThrow();
  write.mockRestore();
  expect(lines).toEqual(["error: unknown option '--gatewy-host=…'\n"]);
});
