import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { toolBin } from "./go-tools.ts";

const run = promisify(execFile);
const runner = await toolBin("connectconformance", "--version");

/** What the runner says of one of our doors, which it starts with one feature after another. */
async function verdictOn(conf: string): Promise<string> {
  const server = [process.execPath, "test/conformance/server.ts"];
  // One at a time, for each has ten seconds to start.
  const args = ["--mode", "server", "--max-servers", "1", "--conf", `test/conformance/${conf}`];
  const { stdout } = await run(runner ?? "", [...args, "--", ...server]).catch((error) => error);
  return stdout;
}

// Skipped where the runner can't be had: it is written in Go.
describe.skipIf(!runner)(
  "every client of the protocols understands every answer, by Connect's own suite:",
  () => {
    test.each([
      { door: "the Connect door", conf: "connect.yaml", cases: 572 },
      { door: "the gRPC door", conf: "grpc.yaml", cases: 400 },
    ])("$door", async ({ conf, cases }) => {
      expect(await verdictOn(conf)).toContain(`Total cases: ${cases}\n${cases} passed, 0 failed`);
    });
  },
);
