import { expect, test } from "vitest";
import { DoorError } from "#lib/rpc/door-error.ts";

const systemError = (code: string) => Object.assign(new Error(`listen ${code}`), { code });

test.each([
  ["EADDRINUSE", "the port is taken; stop the program that has it, or choose another port"],
  ["EACCES", "this user may not open the port; choose one above 1023"],
  ["ENOTFOUND", "no address is known for that host"],
  ["EMFILE", "this process may open no more files; raise its limit (ulimit -n)"],
])("%s is told in words for people", (code, words) => {
  const cause = systemError(code);
  const error = new DoorError("localhost:80", { cause });
  expect(error.message).toContain(`can't listen on localhost:80: ${words}`);
  expect(error.cause).toBe(cause);
});

test("the setting to change is named", () => {
  const taken = { cause: systemError("EADDRINUSE"), portSetting: "MILLRACE_WORKER_HTTP_PORT" };
  expect(new DoorError("a:1", taken).message).toContain(": set MILLRACE_WORKER_HTTP_PORT");
  const elsewhere = { ...taken, cause: systemError("EADDRNOTAVAIL") };
  expect(new DoorError("a:1", elsewhere).message).toContain(": set MILLRACE_HOST");
  const flagged = { ...elsewhere, hostSetting: "--host" };
  expect(new DoorError("a:1", flagged).message).toContain(": set --host");
});

test("what is not foreseen is told as the system tells it", () => {
  expect(new DoorError("a:1", { cause: systemError("EIO") }).message).toContain("listen EIO");
  expect(new DoorError("a:1", { cause: "odd" }).message).toContain("odd");
});
