import { describe, test } from "vitest";
import { startTestNats } from "#test/support/nats.ts";
import { installNode } from "#test/support/nodes.ts";
import { System } from "#test/support/system.ts";
import { expectToWork } from "#test/support/whole-system.ts";

/** The first of 24 take reading TypeScript for an experiment, and say so. */
const QUIET = { NODE_OPTIONS: "--disable-warning=ExperimentalWarning" };

/** The oldest that is allowed, and the newest; the one between them runs all other tests. */
describe.each(["24.0.0", "26"])("with Node %s", (version) => {
  test("a whole system works", async ({ skip }) => {
    await using node = await installNode(version);
    skip(node.missing !== undefined, node.missing);
    await using system = System.on(await startTestNats(), QUIET, { node: node.bin });
    await expectToWork(system);
  });
});
