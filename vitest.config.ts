import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/** Nobody else is to be busy meanwhile: what such a file says is how fast something is. */
const TIMED = "**/*.timed.test.ts";

/** Servers wait more than they work, so that a core has time for two files. */
const FILES_AT_ONCE = 4;

type Options = NonNullable<TestProjectInlineConfiguration["test"]>;

/** The tests of a folder: first those that don't mind each other, then, alone, those that assert times. */
function withServers(
  name: string,
  { setup = [], ...options }: Options & { setup?: string[] } = {},
): TestProjectInlineConfiguration[] {
  const common = {
    globalSetup: ["test/support/nats-server.ts", "test/support/programs.ts", ...setup],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    isolate: false,
    ...options,
  };
  const include = [`test/${name}/**/*.test.ts`];
  const timed = [`test/${name}/${TIMED}`];
  return [
    { test: { ...common, name, include, exclude: timed, sequence: { groupOrder: 1 } } },
    {
      test: {
        ...common,
        name: `${name}-timed`,
        include: timed,
        fileParallelism: false,
        sequence: { groupOrder: 2 },
      },
    },
  ];
}

export default defineConfig({
  test: {
    maxWorkers: FILES_AT_ONCE,
    reporters: ["default", "./scripts/suite/summary.ts"],
    projects: [
      {
        // A few go through a lot of data, which takes seconds where coverage is counted, or others are busy.
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          isolate: false,
          testTimeout: 60_000,
        },
      },
      ...withServers("integration"),
      ...withServers("interop"),
      ...withServers("e2e"),
      ...withServers("faults", { setup: ["test/support/fault-size.ts"] }),
      ...withServers("fuzz", { setup: ["test/fuzz/setup.ts"] }),
      // Environments that need minutes: `npm run check:long`.
      ...withServers("long", { testTimeout: 10 * 60_000, fileParallelism: false }),
    ],
    coverage: {
      include: ["lib/task/**"],
      thresholds: { 100: true },
    },
  },
});
