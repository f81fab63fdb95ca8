import { defineConfig } from "vitest/config";

/** Tests that start servers: one file at a time, for the machine has few cores and the servers many threads. */
const withServers = {
  globalSetup: ["test/support/nats-server.ts"],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      { test: { name: "integration", include: ["test/integration/**/*.test.ts"], ...withServers } },
      { test: { name: "interop", include: ["test/interop/**/*.test.ts"], ...withServers } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], ...withServers } },
      { test: { name: "faults", include: ["test/faults/**/*.test.ts"], ...withServers } },
    ],
    coverage: {
      include: ["lib/task/**"],
      thresholds: { 100: true },
    },
  },
});
