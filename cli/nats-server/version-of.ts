import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { NatsServerError } from "./nats-server-error.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 10_000;
const ANSWER = /^nats-server: v(\d+\.\d+\.\d+\S*)/m;

/** The version that a nats-server says it is; throws if the file does not run or is something else. */
export async function versionOf(bin: string): Promise<string> {
  const version = ANSWER.exec(await answerOf(bin))?.[1];
  if (version) return version;
  const problem = "not-a-nats-server";
  throw new NatsServerError(`${bin} runs, but is not a nats-server`, { problem });
}

async function answerOf(bin: string): Promise<string> {
  try {
    return (await run(bin, ["--version"], { timeout: TIMEOUT_MS })).stdout;
  } catch (cause) {
    const problem = "not-a-nats-server";
    throw new NatsServerError(`${bin} does not run: ${whyNot(cause)}`, { problem, cause });
  }
}

function whyNot(error: unknown): string {
  const { code, killed, message } = error as NodeJS.ErrnoException & { killed?: boolean };
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "it is not executable";
  if (killed) return `it did not answer --version within ${TIMEOUT_MS / 1000} s`;
  return message.trim();
}
