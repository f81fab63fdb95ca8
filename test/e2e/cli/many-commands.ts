import { runCommand } from "#cli/run-command.ts";

/** Runs one command after the other, given as JSON, in one process: to start one for each takes far longer. */
for (const words of JSON.parse(process.argv[2] ?? "[]")) await runCommand(words, {});
