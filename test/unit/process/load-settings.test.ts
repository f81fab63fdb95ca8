import { expect, test } from "vitest";
import { loadSettings, withoutServiceLinks } from "#lib/process/load-settings.ts";

const load = (env: NodeJS.ProcessEnv) => loadSettings("gateway", env, ["node", "gateway"]);

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
      /^MILLRACE_GATEWAY_HTTP_PORT=tcp:.*counts as not set; enableServiceLinks/,
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

test("the variable of the command line does not keep a service from starting", () => {
  expect(() => load({ MILLRACE_SERVER: "gateway:50051" })).not.toThrow();
});
