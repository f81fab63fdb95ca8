import type { Command } from "commander";
import { checkPage } from "../demo/check-page.ts";
import { runDemo } from "../demo/run-demo.ts";
import { servicesEnv } from "../system/services-env.ts";
import { jsonOf } from "./globals.ts";

const HELP = `
Starts NATS, a gateway, a monitor and a worker on free ports, has a page summarized, and stops everything again.
Nothing of it stays. With OPENAI_API_KEY set, a model writes the summary.`;

export function addDemo(program: Command, env: NodeJS.ProcessEnv): void {
  program
    .command("demo")
    .description("see a whole Millrace at work, once")
    .option("--url <page>", "any page of the web, instead of the demo's own")
    .option("--detailed", "a longer summary, with key points", false)
    .addHelpText("after", HELP)
    .action(async (options: { url?: string; detailed: boolean }, command: Command) => {
      const json = jsonOf(command);
      if (options.url !== undefined) await checkPage(options.url);
      process.exitCode = await runDemo({ ...options, json, env: servicesEnv(env) });
    });
}
