import { runCommand } from "./run-command.ts";
import { endWithOutput } from "./terminal/output-lost.ts";

endWithOutput();

await runCommand(process.argv.slice(2), process.env);
