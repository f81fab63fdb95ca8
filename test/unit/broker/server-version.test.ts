import { expect, test } from "vitest";
import { isAtLeast, refuseOldServer } from "#lib/broker/link/server-version.ts";

test.each([
  ["2.9.10", true],
  ["2.14.1", true],
  ["2.14.2", false],
  ["2.14.10", false],
  ["2.14.2-RC.1", true],
  ["2.15.0-RC.1", false],
  ["3.0.0", false],
])("a server of version %s is too old: %s", (version, tooOld) => {
  expect(isAtLeast(version, "2.14.2")).toBe(!tooOld);
});

test("the refusal names the server, its version, and what is needed", () => {
  expect(() => refuseOldServer("2.9.10", "nats://host:4222")).toThrow(
    "nats-server at nats://host:4222 is version 2.9.10; Millrace needs 2.14.2 or newer",
  );
});
