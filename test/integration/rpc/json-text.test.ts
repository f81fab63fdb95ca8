import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import type { Door } from "#lib/rpc/door.ts";
import { callByConnect } from "#test/support/raw-calls.ts";
import { Stage } from "./stage.ts";

const SERVICE = "millrace.v1.TaskService";
/** `{"taskId":"caf.."}` with a byte of Latin-1, which is no UTF-8. */
const LATIN1 = Buffer.from('{"taskId":"caf\xe9"}', "latin1");
const NOT_UTF8 = { code: "INVALID_ARGUMENT", message: "the JSON is not valid UTF-8" };

/** Else caf\xe9 and caf\xe8 would both be read as caf\uFFFD: one id, and the second task would be lost. */
describe("JSON that is no text is refused, wherever it comes from", () => {
  let door: Door;
  beforeAll(async () => {
    door = await openConnectDoor({ ...new Stage().options, corsOrigins: [] });
  });
  afterAll(() => door.leave());

  const get = async (query: string) => {
    const response = await fetch(`${door.url}/${SERVICE}/GetTask?encoding=json&${query}`);
    const { code, message } = JSON.parse(await response.text());
    return { code, message };
  };

  test.each([
    ["GetTask", "application/json", false],
    ["GetTask", "application/json", true],
    ["WatchTask", "application/connect+json", false],
    ["WatchTask", "application/connect+json", true],
  ] as const)("in the body of %s, %s, compressed: %s", async (method, type, gzip) => {
    const ending = await callByConnect(door, `${SERVICE}/${method}`, LATIN1, { type, gzip });
    expect(ending).toEqual(NOT_UTF8);
  });

  test.each(["", "1."])("as a number of a million digits behind %j", async (begin) => {
    const json = `{"taskId":"a","afterSequence":"${begin}${"1".repeat(1_000_000)}"}`;
    const type = "application/connect+json";
    expect(await callByConnect(door, `${SERVICE}/WatchTask`, Buffer.from(json), { type })).toEqual({
      code: "INVALID_ARGUMENT",
      message: "the JSON has a number of more than 65536 digits",
    });
  });

  const TOO_FINE = { spec: { taskTimeout: "1.0000000001s" } };
  test.each([
    ["SubmitTask", "application/json", TOO_FINE],
    ["RunTask", "application/connect+json", { submit: TOO_FINE }],
  ] as const)("as a duration that is finer than nanoseconds, in %s", async (method, type, body) => {
    const json = Buffer.from(JSON.stringify(body));
    expect(await callByConnect(door, `${SERVICE}/${method}`, json, { type })).toEqual({
      code: "INVALID_ARGUMENT",
      message: "a duration has more than 9 digits behind its point",
    });
  });

  const INVALID = "INVALID_ARGUMENT";
  test.each([
    {
      what: "a duration in hours",
      spec: { taskTimeout: "1h" },
      code: INVALID,
      message: /Duration from JSON: "1h"; it is a number of seconds and an "s", such as "90s"/,
    },
    {
      what: "an enum's value by half of its name",
      spec: { priority: "HIGH" },
      code: INVALID,
      message: /Priority from JSON: "HIGH"; a value of Priority is said by its whole name/,
    },
    {
      what: "an input of a type that nobody has announced",
      spec: { input: { "@type": "type.googleapis.com/shop.v1.Nothing" } },
      code: "FAILED_PRECONDITION",
      message: /^no worker has announced the task type shop\.v1\.Nothing$/,
    },
  ])("as $what", async ({ spec, code, message }) => {
    const json = Buffer.from(JSON.stringify({ spec }));
    const type = "application/json";
    expect(await callByConnect(door, `${SERVICE}/SubmitTask`, json, { type })).toEqual({
      code,
      message: expect.stringMatching(message),
    });
  });

  test("in a query", async () => {
    const query = `message=${encodeURIComponent('{"taskId":"caf')}%E9${encodeURIComponent('"}')}`;
    expect(await get(query)).toEqual({
      code: "invalid_argument",
      message: "the query is not valid UTF-8",
    });
  });

  test("in the base64 of a query", async () => {
    expect(await get(`base64=1&message=${LATIN1.toString("base64url")}`)).toMatchObject({
      code: "invalid_argument",
      message: NOT_UTF8.message,
    });
  });

  test("as half a character, spelled out; a whole one is read", async () => {
    const type = "application/json";
    const call = (json: string) =>
      callByConnect(door, `${SERVICE}/GetTask`, Buffer.from(json), { type });
    expect(await call('{"taskId":"caf\\ud83d"}')).toEqual({
      code: "INVALID_ARGUMENT",
      message: 'the JSON has half a character (a lone surrogate) in "taskId"',
    });
    // Refused for what it is: not the form of an id.
    expect((await call('{"taskId":"caf\\ud83d\\ude00"}')).message).toMatch(
      /^task_id: does not match/,
    );
  });
});
