import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";

const MAINS = [
  "services/gateway/main.mjs",
  "services/worker/main.mjs",
  "services/monitor/main.mjs",
  "cli/main.mjs",
];

/** Node 24 that says to be older; it has to be told before it starts to load the program. */
const CLAIMS_TO_BE_OLD = `data:text/javascript,${encodeURIComponent(
  'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "22.1.0" } })',
)}`;

interface Node {
  readonly bin: string;
  readonly args: readonly string[];
  readonly version: string;
}

/** A Node that really is too old, if this machine has one: it must be able to read what tells it so. */
function oldNodes(): Node[] {
  const { PATH = "" } = process.env;
  const bins = PATH.split(delimiter).map((folder) => join(folder, "node"));
  const nodes = bins.filter(existsSync).map((bin) => {
    const version = spawnSync(bin, ["--version"], { encoding: "utf8" }).stdout.trim().slice(1);
    return { bin, args: [], version };
  });
  return nodes.filter(({ version }) => Number.parseInt(version, 10) < 24).slice(0, 1);
}

const claiming = {
  bin: process.execPath,
  args: ["--import", CLAIMS_TO_BE_OLD],
  version: "22.1.0",
};

describe.each([claiming, ...oldNodes()])("Node $version", ({ bin, args, version }) => {
  test.each(MAINS)(
    "is told that it is too old for %s, and where to get one that is not",
    (main) => {
      const { status, stdout, stderr } = spawnSync(bin, [...args, main, "--help"], {
        encoding: "utf8",
      });
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(stderr).toMatch(
        /^error: Millrace needs Node 24 or newer, and this is .* Get one .*\n$/,
      );
      expect(stderr).toContain(`this is ${version} (${bin})`);
    },
  );
});

test("the command line runs by the name of its TypeScript file too", () => {
  const { status, stderr } = spawnSync(process.execPath, ["cli/main.ts", "--version"]);
  expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: "" });
});
