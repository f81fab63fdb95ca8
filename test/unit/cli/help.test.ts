import type { Command, OutputConfiguration } from "commander";
import { expect, test } from "vitest";
import { newProgram } from "#cli/program.ts";

/** The words that lead to each command, as far down as they go. */
function pathsIn(command: Command): string[][] {
  return command.commands.flatMap((one) => [
    [one.name()],
    ...pathsIn(one).map((rest) => [one.name(), ...rest]),
  ]);
}

/** What the command line prints, and how it ends. */
async function printed(args: readonly string[]) {
  const program = newProgram({});
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  quiet(program, { writeOut: write, writeErr: write });
  const ended = program.parseAsync(args, { from: "user" });
  const { exitCode } = await ended.then(
    () => ({ exitCode: undefined }),
    (error) => error,
  );
  return { text, exitCode };
}

function quiet(command: Command, output: OutputConfiguration): void {
  command.configureOutput(output);
  for (const one of command.commands) quiet(one, output);
}

test.each(pathsIn(newProgram({})).map((words) => words.join(" ")))(
  "%s explains itself with --help, and is explained by help",
  async (command) => {
    const words = command.split(" ");
    const usage = expect.stringContaining(`Usage: millrace ${command} `);
    expect(await printed([...words, "--help"])).toEqual({ text: usage, exitCode: 0 });
    expect(await printed(["help", ...words])).toEqual({ text: usage, exitCode: 0 });
  },
);

test("help explains the whole, and knows no command that there is not", async () => {
  expect((await printed(["help"])).text).toContain("Usage: millrace [options] [command]");
  expect(await printed(["help", "queues", "park"])).toEqual({
    text: expect.stringContaining("unknown command 'park'"),
    exitCode: 1,
  });
});

test("help says from when the limit of a whole task counts", async () => {
  const { text } = await printed(["submit", "--help"]);
  expect(text.replaceAll(/\s+/g, " ")).toContain("from when it may start (see --delay), waiting");
});

test.each([
  ["sumbit --help", "unknown command 'sumbit' (did you mean \"submit\"?)"],
  ["sumbit -h", "unknown command 'sumbit' (did you mean \"submit\"?)"],
  ["--json sumbit --help", "unknown command 'sumbit'"],
  ["help sumbit", "unknown command 'sumbit' (did you mean \"submit\"?)"],
  ["xyzzy --help", "unknown command 'xyzzy'"],
  ["queues pauze --help", "unknown command 'pauze' (did you mean \"pause\"?)"],
])("%s is refused, for there is no such command", async (words, refusal) => {
  const { text, exitCode } = await printed(words.split(" "));
  expect({ text, exitCode }).toEqual({ text: `error: ${text.slice(7)}`, exitCode: 1 });
  expect(text).toContain(refusal);
  expect(text).not.toContain("Usage:");
});

test("a misspelled variable is refused, for the command would call another gateway than was meant", async () => {
  const typed = newProgram({ MILLRACE_SERVR: "prod:50051" }).parseAsync(["types"], {
    from: "user",
  });
  await expect(typed).rejects.toThrow("MILLRACE_SERVR (did you mean MILLRACE_SERVER?)");
});
