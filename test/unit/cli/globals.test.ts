import { afterEach, expect, test, vi } from "vitest";
import type { CliError } from "#cli/cli-error.ts";
import { globalsOf } from "#cli/commands/globals.ts";
import { newProgram } from "#cli/program.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The server that a command gets to know. */
async function serverOf(flags: readonly string[], variable?: string): Promise<string> {
  vi.stubEnv("MILLRACE_SERVER", variable);
  let server = "";
  const program = newProgram({});
  program.command("probe").action((_options, command) => {
    ({ server } = globalsOf(command));
  });
  await program.parseAsync([...flags, "probe"], { from: "user" });
  return server;
}

function complaintOf(flags: readonly string[], variable?: string): Promise<Partial<CliError>> {
  return serverOf(flags, variable).then(
    (server) => expect.unreachable(`${server} was taken`),
    ({ message, exitCode }) => ({ message, exitCode }),
  );
}

test.each([
  "localhost:99999",
  "localhost:65536",
  "localhost:0",
  ":50051",
  "256.1.1.1:5",
  "nope",
  "a b:1",
  "[::1:5",
  "http://",
  "http://localhost:99999",
  "",
])("%o is no server", async (given) => {
  const message = (name: string) => `"${given}" is no host:port; ${name} says where`;
  expect(await complaintOf(["--server", given])).toEqual({
    message: message("--server"),
    exitCode: 2,
  });
  if (given === "") return;
  expect(await complaintOf([], given)).toEqual({
    message: message("MILLRACE_SERVER"),
    exitCode: 2,
  });
});

test.each(["localhost:1", "127.0.0.1:65535", "[::1]:50051", "http://a_b.test:80", "HTTPS://x:443"])(
  "%s is a server",
  async (given) => {
    expect(await serverOf(["--server", given])).toBe(given);
    expect(await serverOf([], given)).toBe(given);
  },
);

test("an empty variable counts as not set", async () => {
  expect(await serverOf([], "")).toBe(await serverOf([]));
  expect(await serverOf(["--server", "localhost:1"], "")).toBe("localhost:1");
});
