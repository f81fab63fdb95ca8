import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { cliEnv, MAIN } from "./cli-process.ts";

/** Where nobody can make a folder, not even root. */
const NO_PLACE = "/proc";

test
  .skipIf(!existsSync(NO_PLACE))
  .each([
    { TMPDIR: NO_PLACE },
    { TMPDIR: "/nonexistent" },
    { HOME: NO_PLACE, NATS_SERVER_BIN: "" },
  ])("a demo without a place for its files says so in a few words: %o", (env) => {
  const given = { env: cliEnv({ PATH: "", ...env }), timeout: 30_000, encoding: "utf8" } as const;
  const { status, stderr } = spawnSync(process.execPath, [MAIN, "demo"], given);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^error: |\berror: /m),
  });
  expect(stderr).toContain(Object.values(env)[0]);
  expect(stderr).not.toMatch(/bug|^ +at /m);
});
