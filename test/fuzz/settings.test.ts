import { spawn } from "node:child_process";
import { once } from "node:events";
import { CommanderError } from "commander";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { flagOf, loadSettings } from "#lib/process/load-settings.ts";
import type { ServiceName, Setting } from "#lib/process/setting.ts";
import { SETTINGS } from "#lib/process/settings.ts";
import { StartupError } from "#lib/process/startup-error.ts";
import { programOf } from "#test/support/programs.ts";
import { fuzz } from "./fuzz.ts";

const SERVICES: readonly ServiceName[] = ["gateway", "worker", "monitor"];
const ALL: readonly Setting<unknown>[] = Object.values(SETTINGS);
/** Of what a person is told. */
const TOLD_CHARS = 2_000;
const STARTS_WITHIN_MS = 20_000;
const ANY_PORT = Object.fromEntries(
  ALL.filter(({ env }) => env.endsWith("_PORT")).map(({ env }) => [env, "0"]),
);

const values = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }).map((text) => text.replaceAll("\u0000", "")),
  fc.constantFrom(
    ...[
      "",
      " ",
      ",",
      "0",
      "-1",
      "1",
      "3",
      "1e9",
      "NaN",
      "Infinity",
      "0x10",
      "99999999999999999999",
    ],
    ...["localhost", "127.0.0.1", "::1", "0.0.0.0", "256.1.1.1", "a b", "[::1]:4222"],
    ...[
      "nats://127.0.0.1:1",
      "nats://user:hunter2@127.0.0.1:1",
      "tls://",
      "http://[",
      "nats://x:99999",
    ],
    ...["default,default", "a=1,a=2", "a=", "=1", "reports=2", "/dev/null", "/nonexistent", "/"],
    ...["debug", "loud", "pretty", "json", "auto", "true", "\u001b[31m", "--", "--help-me"],
  ),
  fc.integer({ min: 1, max: 20_000 }).map((length) => "x".repeat(length)),
);

/** A service that logs nothing does not say that it has started. */
const LOUD = { MILLRACE_LOG_LEVEL: "info", MILLRACE_LOG_FORMAT: "json" };
const isLoud = (flag: string) => !flag.startsWith("--log-");

interface Given {
  readonly service: ServiceName;
  readonly env: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

const names = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...ALL.map(({ env }) => env)) },
  fc.constantFrom("MILLRACE_", "MILLRACE_HOTS", "MILLRACE_GATEWAY_PORT", "MILLRACE___proto__"),
);

const flags = fc
  .tuple(fc.oneof(fc.constantFrom(...ALL.map(flagOf)), values), values)
  .map(([flag, value]) => `${flag}=${value}`);

const given: fc.Arbitrary<Given> = fc.record({
  service: fc.constantFrom(...SERVICES),
  env: fc.dictionary(names, values, { maxKeys: 3 }),
  flags: fc.array(flags, { maxLength: 2 }),
});

let told = "";

beforeEach(() => {
  told = "";
  // Commander prints by itself what is wrong with a flag.
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    told += String(text);
    return true;
  });
});
afterEach(() => void vi.restoreAllMocks());

fuzz("whatever a setting is set to, it is taken or refused in a few words", {
  inputs: given,
  share: 0.05,
  async check({ service, env, flags: argv }) {
    told = "";
    try {
      loadSettings(service, env, ["node", "main.ts", ...argv]);
    } catch (error) {
      if (error instanceof StartupError) told += error.message;
      else if (!(error instanceof CommanderError)) throw error;
    }
    expect(told.length).toBeLessThan(TOLD_CHARS);
    expect(told).not.toContain("hunter2");
  },
});

fuzz("whatever a service's settings are, it starts, or it ends with an error that is no stack", {
  inputs: given,
  share: 0.1,
  batch: 1,
  async check({ service, env, flags: argv }) {
    const main = programOf(`services/${service}/main.ts`);
    const child = spawn(process.execPath, [main, ...argv.filter(isLoud)], {
      env: {
        PATH: process.env["PATH"],
        NATS_SERVERS: "nats://127.0.0.1:1",
        ...ANY_PORT,
        ...env,
        ...LOUD,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let printed = "";
    const { promise: started, resolve } = Promise.withResolvers<void>();
    const hear = (text: unknown) => {
      printed += String(text);
      if (printed.includes(" is up")) resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    const ended = once(child, "close");
    const late = setTimeout(resolve, STARTS_WITHIN_MS);
    await Promise.race([started, ended]);
    clearTimeout(late);
    child.kill("SIGKILL");
    await ended;
    expect(printed).not.toMatch(/\n\s+at .*:\d+/);
    expect(printed).not.toContain("hunter2");
    expect(child.signalCode ?? child.exitCode).toBeOneOf(["SIGKILL", 1, 2]);
  },
});
