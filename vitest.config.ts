import { defineConfig } from "vitest/config";

const withServers = {
  globalSetup: ["test/support/nats-server.ts"],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    // One file at a time: the tests start servers by the dozen, and some say how fast those must be.
    fileParallelism: false,
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      { test: { name: "integration", include: ["test/integration/**/*.test.ts"], ...withServers } },
      { test: { name: "interop", include: ["test/interop/**/*.test.ts"], ...withServers } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], ...withServers } },
      {
        test: {
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          ...withServers,
          globalSetup: [...withServers.globalSetup, "test/support/fault-size.ts"],
        },
      },
      {
        test: {
          name: "fuzz",
          include: ["test/fuzz/**/*.test.ts"],
          ...withServers,
          globalSetup: [...withServers.globalSetup, "test/fuzz/setup.ts"],
        },
      },
      // Environments that need minutes: `npm run check:long`.
      {
        test: {
          name: "long",
          include: ["test/long/**/*.test.ts"],
          ...withServers,
          testTimeout: 10 * 60_000,
        },
      },
    ],
    coverage: {
      include: ["lib/task/**"],
      thresholds: { 100: true },
    },
  },
});
