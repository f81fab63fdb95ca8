import { expect, test } from "vitest";
import {
  hostName,
  list,
  listOf,
  namespaceName,
  oneOf,
  port,
  queueLimits,
  queueNames,
  type Setting,
  text,
  valueIn,
  waitingMs,
  wholeNumber,
} from "#lib/process/setting.ts";
import { SETTINGS } from "#lib/process/settings.ts";

test("a number outside its bounds is refused with the bounds", () => {
  const parse = wholeNumber(1, 10);
  expect(parse("10")).toBe(10);
  for (const wrong of ["0", "11", "1.5", "ten", " "]) {
    expect(() => parse(wrong)).toThrow("must be a whole number from 1 to 10");
  }
  expect(() => port("65536")).toThrow("65535");
});

test("lists are separated by commas, and blanks don't count", () => {
  expect(list(" a, b ,,c")).toEqual(["a", "b", "c"]);
});

test("no setting can be longer than a timer keeps, or be a list of nothing", () => {
  const settings: Setting<unknown>[] = Object.values(SETTINGS);
  const times = settings.filter(({ env }) => env.endsWith("_MS"));
  expect(times.length).toBeGreaterThan(1);
  for (const { env, parse } of times) expect(() => parse(String(2 ** 31)), env).toThrow();
  expect(() => waitingMs(0, 2 ** 31)).toThrow("no timer may keep");
  const lists = settings.filter(({ fallback }) => Array.isArray(fallback));
  expect(lists.length).toBeGreaterThan(0);
  for (const { env, parse } of lists) expect(() => parse(" , "), env).toThrow(/at least one/);
  expect(() => SETTINGS.queueConcurrency.parse(" , ")).toThrow("at least one queue");
});

test("queue names are checked, and each counts once", () => {
  expect(queueNames("default, reports,default")).toEqual(["default", "reports"]);
  expect(() => queueNames("Reports")).toThrow('"Reports" is no queue name');
  expect(() => queueNames(",")).toThrow("at least one queue");
});

test("a namespace that would not fit into names and subjects is refused with what is allowed", () => {
  for (const name of ["s", "staging", "eu-west-1", "1", "a".repeat(32)])
    expect(namespaceName(name)).toBe(name);
  for (const wrong of ["Staging", "a.b", "a_b", "-a", "a-", "a b", "*", ">", "a".repeat(33), ""])
    expect(() => namespaceName(wrong), wrong).toThrow("must be lower-case letters, digits");
  const env = { MILLRACE_NAMESPACE: "Staging" };
  const told = 'MILLRACE_NAMESPACE: "Staging" is not allowed: must be lower-case letters';
  expect(() => valueIn(env, SETTINGS.namespace)).toThrow(told);
  expect(valueIn({}, SETTINGS.namespace)).toBe("");
});

test("hosts are named as browsers name them, and nothing else is taken for one", () => {
  expect(listOf("host", hostName)("Tasks.Example.com, *,[fd00::1]")).toEqual([
    "tasks.example.com",
    "*",
    "[fd00::1]",
  ]);
  for (const wrong of ["https://a.example", "a.example:8080", "a.example/x", "*.example.com"])
    expect(() => hostName(wrong), wrong).toThrow(`"${wrong}" is no host name`);
});

test("a choice is refused with the choices, and an empty text is none", () => {
  expect(oneOf("json", "pretty")("json")).toBe("json");
  expect(() => oneOf("json", "pretty")("xml")).toThrow("must be one of json, pretty");
  expect(() => text("  ")).toThrow("must not be empty");
});

test("limits are given by queue, each once", () => {
  const parse = queueLimits(100);
  expect([...parse(" reports=2, default = 8 ")]).toEqual([
    ["reports", 2],
    ["default", 8],
  ]);
  for (const wrong of ["reports", "reports=", "=1", "reports=1=2"]) {
    expect(() => parse(wrong), wrong).toThrow(`"${wrong}" is no limit: <queue>=<number>`);
  }
  expect(() => parse("reports=1,reports=2")).toThrow('"reports" is named twice');
  for (const wrong of ["reports=0", "reports=101", "reports=many"]) {
    expect(() => parse(wrong), wrong).toThrow("must be a whole number from 1 to 100");
  }
});
