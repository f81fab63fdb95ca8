import { expect, test } from "vitest";
import { parseOpenFilesLimit, requireOpenFiles } from "../../../bench/open-files.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             1000                 1000                 processes
Max open files            4096                 524288               files
`;

test("the limit that counts is the one that holds now", () => {
  expect(parseOpenFilesLimit(LIMITS)).toBe(4_096);
  expect(parseOpenFilesLimit(LIMITS.replace("4096", "unlimited"))).toBe(Number.POSITIVE_INFINITY);
});

test("more watches than a process may open files are refused, with what helps", () => {
  expect(() => requireOpenFiles(10_000, 4_096)).toThrow(/10200 open files .* 4096 .*--watches/);
  expect(() => requireOpenFiles(3_000, 4_096)).not.toThrow();
});
