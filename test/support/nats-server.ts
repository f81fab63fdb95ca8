import type { TestProject } from "vitest/node";
import { findNatsServer } from "#cli/nats-server/find-nats-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    natsServerBin: string;
  }
}

/** Finds the nats-server that the tests run against, before the first of them. */
export default async function setup(project: TestProject): Promise<void> {
  const onProgress = (line: string) => process.stderr.write(`nats-server: ${line}\n`);
  const { bin } = await findNatsServer({ env: process.env, onProgress });
  project.provide("natsServerBin", bin);
}
