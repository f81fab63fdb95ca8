import { expect, test, vi } from "vitest";
import { LogLine_Level, type Progress, type TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { AttemptNotes } from "../../../services/worker/attempt-notes.ts";

type Facet = TaskEvent["facet"];

/** What is written: facets, in their order; and the steps that came with them. */
function notes() {
  const written: Facet[] = [];
  const steps: Progress[] = [];
  const given = { away: false };
  const attempt = new AttemptNotes(1, (facet, before) => {
    if (given.away) throw new BrokerUnavailable();
    written.push(facet);
    steps.push(...before, ...(facet.case === "progress" ? [facet.value] : []));
    return undefined;
  });
  return { attempt, written, steps, given };
}

test("of many reports only the newest is written, and it is written before the outcome", () => {
  const { attempt, written } = notes();
  for (let step = 0; step <= 100; step += 1) attempt.report({ fraction: step / 100 });
  attempt.flush();
  expect(written).toMatchObject([{ case: "progress", value: { attempt: 1, fraction: 1 } }]);
});

/** The numbers of the progress that is written when this is reported, and the log lines. */
function told(...reports: object[]) {
  const { attempt, written, steps } = notes();
  for (const report of reports) attempt.report(report);
  attempt.flush();
  const lines = written.flatMap(({ case: kind, value }) => (kind === "log" ? [value.message] : []));
  return { steps, lines };
}

test("a fraction stays between 0 and 1, and one that is no number is left out", () => {
  expect(told({ fraction: 1.7 }).steps).toMatchObject([{ fraction: 1 }]);
  expect(told({ fraction: -1 }).steps).toMatchObject([{ fraction: 0 }]);
  for (const fraction of [Number.NaN, Number.POSITIVE_INFINITY, "0.5", 1n, null, {}]) {
    expect(told({ fraction }).steps).toEqual([]);
    const [step] = told({ fraction, note: "kept" }).steps;
    expect(step).toMatchObject({ note: "kept" });
    expect(step?.fraction).toBeUndefined();
  }
});

test("units are whole and can be counted, or they are left out", () => {
  const most = Number.MAX_SAFE_INTEGER;
  expect(told({ current: 2.9, total: most }).steps).toMatchObject([
    { current: 2n, total: BigInt(most) },
  ]);
  for (const units of [1e19, -1, Number.NaN, Number.NEGATIVE_INFINITY, most + 1, "7", null]) {
    const { steps, lines } = told({ current: units, total: units, fraction: 0.5 });
    expect([steps[0]?.fraction, steps[0]?.current, steps[0]?.total]).toEqual([
      0.5,
      undefined,
      undefined,
    ]);
    expect(lines).toHaveLength(2);
  }
});

test("the task's log says which number was not taken as it is, once an attempt", () => {
  const { lines } = told({ fraction: 0 / 0 }, { fraction: 2, total: {} }, { total: -1 }, {});
  expect(lines).toEqual([
    "progress: fraction is NaN, not a number from 0 to 1; it is left out (further ones are not told)",
    "progress: total is of type object, not a number from 0 to 9007199254740991; it is left out (further ones are not told)",
  ]);
  expect(told({ fraction: 2 }).lines).toEqual([expect.stringContaining("it is taken for 1")]);
  expect(told({ fraction: 1, current: 0, total: 0.5 }).lines).toEqual([]);
});

test("a note that is no text, and a report that is none, fail no attempt and hold up no later ones", () => {
  for (const note of [5, null, {}, Symbol("note")]) {
    const { steps, lines } = told({ note, current: 1 }, { current: 2 });
    expect(steps).toMatchObject([{ current: 1n, note: "" }, { current: 2n }]);
    expect(lines).toEqual([expect.stringContaining(`note is of type ${typeof note}, not a text`)]);
  }
  for (const report of [null, undefined, 0.5]) {
    const { steps, lines } = told(report as never, { current: 2 });
    expect(steps).toMatchObject([{ current: 2n }]);
    expect(lines).toEqual([expect.stringContaining(`the report is ${report}, not an object`)]);
  }
});

test("a log line may be anything, and says what is missing of it", () => {
  const { attempt, written } = notes();
  const say = (level: unknown, message: unknown) => attempt.log(level as never, message as never);
  say("error", new Error("as it is"));
  say("constructor", undefined);
  say("info", Object.create(null));
  say("info", `${"x".repeat(4_000)}four`);
  attempt.flush();
  expect(written.map(({ value }) => value)).toMatchObject([
    { level: LogLine_Level.ERROR, message: "Error: as it is" },
    { level: LogLine_Level.INFO, message: "undefined" },
    { message: "(a value of type object that can't be shown)" },
    { message: `${"x".repeat(4_000)}… (4 more characters are left out)` },
  ]);
});

test("output that is neither a text nor bytes is left out, and a line says so", () => {
  const { attempt, written } = notes();
  for (const piece of [5, null, [1, 2], new Uint16Array([1_000])]) attempt.emit(piece as never);
  attempt.emit(Buffer.from("bytes"));
  attempt.flush();
  const message = "output of type number is neither a text nor bytes; it is left out";
  expect(written).toMatchObject([
    {
      case: "log",
      value: { level: LogLine_Level.WARN, message: expect.stringContaining(message) },
    },
    { case: "output", value: { content: { value: Uint8Array.from(Buffer.from("bytes")) } } },
  ]);
});

test("what can't be written at all holds up nothing that comes after it", () => {
  const written: Facet[] = [];
  const attempt = new AttemptNotes(1, (facet) => {
    if (facet.case === "progress" && facet.value.current === 1n) throw new Error("no such number");
    written.push(facet);
    return undefined;
  });
  attempt.report({ current: 1 });
  attempt.flush();
  attempt.report({ current: 2 });
  attempt.flush();
  expect(written).toMatchObject([
    { case: "log", value: { message: expect.stringContaining("no such number") } },
    { case: "progress", value: { current: 2n } },
  ]);
});

test("what the log refuses is not left out without a word", async () => {
  const written: unknown[] = [];
  const attempt = new AttemptNotes(1, ({ case: kind, value }) => {
    if (kind === "output") return Promise.reject(new Error("no output today"));
    written.push(kind === "log" ? value.message : kind);
    return Promise.resolve();
  });
  attempt.emit("piece");
  attempt.report({ current: 1 });
  expect(await attempt.sent()).toBe(true);
  expect(written).toEqual([expect.stringContaining("no output today"), "progress"]);
});

test("pieces of output are put together in their order, and none is lost", () => {
  const { attempt, written } = notes();
  for (const piece of ["to ", "be ", Uint8Array.of(1, 2), "or"]) attempt.emit(piece);
  attempt.emit("");
  attempt.flush();
  expect(written).toMatchObject([
    { case: "output", value: { content: { case: "text", value: "to be " } } },
    { case: "output", value: { content: { case: "data", value: Uint8Array.of(1, 2) } } },
    { case: "output", value: { content: { case: "text", value: "or" } } },
  ]);
});

test("output of any size comes in pieces that fit into a message, and no character is cut in two", () => {
  const { attempt, written } = notes();
  const text = "😀a".repeat(50_000);
  attempt.emit(text);
  attempt.flush();
  const pieces = written.map((facet) =>
    facet.case === "output" ? String(facet.value.content.value) : "",
  );
  expect(pieces.join("")).toBe(text);
  expect(pieces.every((piece) => piece.isWellFormed() && piece.length <= 16 * 1024)).toBe(true);
});

test("every step of a quick attempt is told, though a flood of steps is not", () => {
  const { attempt, written, steps } = notes();
  for (const current of [1, 2, 2, 3]) attempt.report({ current });
  attempt.flush();
  expect(steps).toMatchObject([{ current: 1n }, { current: 2n }, { current: 3n }]);
  expect(written).toHaveLength(1);
  for (let current = 1; current <= 1_000; current += 1) attempt.report({ current });
  attempt.flush();
  expect(steps.length).toBeLessThan(20);
  expect(steps.at(-1)).toMatchObject({ current: 1_000n });
});

test("log lines and output stay in their order", () => {
  const { attempt, written } = notes();
  attempt.emit("one ");
  attempt.log("info", "between");
  attempt.emit("two ");
  attempt.emit("three");
  attempt.flush();
  expect(written.map((facet) => facet.case)).toEqual(["output", "log", "output"]);
});

test("what a handler says after its attempt is over is heard by nobody, and keeps no process alive", () => {
  const { attempt, written } = notes();
  attempt[Symbol.dispose]();
  attempt.emit("late");
  attempt.log("info", "late");
  attempt.flush();
  expect(written).toEqual([]);
});

test("what can't be written while the broker is away is written when it is back", async () => {
  const { attempt, written, given } = notes();
  using _ = attempt;
  given.away = true;
  attempt.emit("kept");
  attempt.report({ note: "kept too" });
  attempt.flush();
  expect(written).toEqual([]);
  given.away = false;
  await vi.waitFor(() => expect(written).toHaveLength(2));
});

test("nothing is dropped while the broker takes it, however much is said at once", () => {
  const { attempt, written } = notes();
  for (let line = 1; line <= 5_000; line += 1) {
    attempt.log("info", `line ${line}`);
    attempt.emit(`word${line} `);
    attempt.emit(Uint8Array.of(1, 2, 3));
  }
  attempt.emit("x".repeat(8 * 2 ** 20));
  attempt.flush();
  const outputs = written.filter((facet) => facet.case === "output");
  const size = outputs.reduce((sum, { value }) => sum + (value.content.value?.length ?? 0), 0);
  expect(written.filter((facet) => facet.case === "log")).toHaveLength(5_000);
  expect(size).toBe(5_000 * 3 + 43893 + 8 * 2 ** 20);
});

/** Bytes of output that were written. */
function sizeOf(written: readonly Facet[]): number {
  const pieces = written.map((facet) => (facet.case === "output" ? facet.value.content.value : ""));
  return pieces.reduce((sum, piece) => sum + (piece?.length ?? 0), 0);
}

test("what is said to a broker that is away is kept up to a bound, and a line at its place says what is missing", () => {
  const { attempt, written, given } = notes();
  using _ = attempt;
  given.away = true;
  for (let piece = 0; piece < 1_000; piece += 1) attempt.emit("x".repeat(10_000));
  attempt.log("info", "unheard");
  attempt.emit("unheard");
  given.away = false;
  attempt.flush();
  attempt.emit("after");
  attempt.flush();
  const size = sizeOf(written) - "after".length;
  expect(size).toBeGreaterThan(4_000_000);
  expect(size).toBeLessThan(4_200_000);
  const missing = 10_000_000 + "unheard".length - size;
  const message = `left out here: ${missing} bytes of output and 1 log lines, more than the broker took in time`;
  expect(written.filter((facet) => facet.case === "log")).toHaveLength(1);
  expect(written.at(-2)).toMatchObject({ value: { level: LogLine_Level.WARN, message } });
  expect(written.at(-1)).toMatchObject({ case: "output" });
});

test("lines without text are bounded too", () => {
  const { attempt, written, given } = notes();
  using _ = attempt;
  given.away = true;
  for (let line = 0; line < 100_000; line += 1) attempt.log("info", "");
  given.away = false;
  attempt.flush();
  expect(written.length).toBeLessThan(25_000);
  const left = 100_000 - (written.length - 1);
  expect(written.at(-1)?.value).toMatchObject({
    message: expect.stringContaining(`${left} log lines`),
  });
});

/** A log that stores one thing at a time, when it is told to. */
function slowNotes() {
  const written: string[] = [];
  const stores: (() => void)[] = [];
  const attempt = new AttemptNotes(1, ({ case: kind, value }) => {
    written.push(kind === "log" ? value.message : String(kind));
    const { promise, resolve } = Promise.withResolvers<void>();
    stores.push(resolve);
    return promise;
  });
  const store = async () => {
    stores.shift()?.();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { attempt, written, store };
}

test("where one thing must be stored before the next, they go one by one and in their order", async () => {
  const { attempt, written, store } = slowNotes();
  using _ = attempt;
  attempt.log("info", "one");
  attempt.emit("piece");
  attempt.report({ current: 1 });
  attempt.flush();
  attempt.log("info", "two");
  attempt.flush();
  expect(written).toEqual(["one"]);
  const sent = attempt.sent();
  for (let stored = 0; stored < 4; stored += 1) await store();
  expect(written).toEqual(["one", "output", "two", "progress"]);
  expect(await sent).toBe(true);
});

test("a flood that has to wait does not hide how far the attempt is", async () => {
  const { attempt, written, store } = slowNotes();
  using _ = attempt;
  for (let line = 1; line <= 300; line += 1) attempt.log("info", `line ${line}`);
  attempt.report({ current: 1 });
  attempt.flush();
  for (let stored = 0; stored < 70; stored += 1) await store();
  expect(written).toContain("progress");
});

test("what is not stored in time is left out, and a line takes its place", async () => {
  const { attempt, written, store } = slowNotes();
  using _ = attempt;
  for (const line of ["one", "two", "three"]) attempt.log("info", line);
  for (const current of [1, 2, 3]) attempt.report({ current });
  attempt.emit("äö");
  expect(await attempt.sent(10)).toBe(false);
  attempt.leaveOut();
  // Again, as when the log could not be reached meanwhile.
  attempt.leaveOut();
  const sent = attempt.sent();
  for (let stored = 0; stored < 3; stored += 1) await store();
  expect(await sent).toBe(true);
  const gap = "left out here: 4 bytes of output and 2 log lines, more than the broker took in time";
  expect(written).toEqual(["one", gap, "progress"]);
});

test("a handler that lets no timer run is heard all the same", () => {
  const { attempt, written } = notes();
  using _ = attempt;
  const startedAt = Date.now();
  for (let current = 0; written.length === 0; current += 1) attempt.report({ current });
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(100);
});

test("what other notes have put together is taken over as it is", () => {
  const { attempt: thread, written: sent } = notes();
  const { attempt, written } = notes();
  thread.emit("one ");
  thread.log("warn", "between");
  thread.emit(Uint8Array.of(1, 2));
  thread.report({ fraction: 0.5, current: 7, note: "half" });
  thread.flush();
  for (const facet of sent) attempt.relay(structuredClone(facet));
  attempt.flush();
  expect(written).toEqual(sent);
});

test("what is said first is written at the end of its turn; what comes soon after, once its time has passed", async () => {
  vi.useFakeTimers();
  try {
    const { written, attempt } = notes();
    attempt.report({ current: 1 });
    attempt.emit("a");
    expect(written).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(written.map(({ case: kind }) => kind)).toEqual(["output", "progress"]);
    attempt.report({ current: 2 });
    await vi.advanceTimersByTimeAsync(90);
    expect(written).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(10);
    expect(written).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(100);
    attempt.report({ current: 3 });
    await vi.advanceTimersByTimeAsync(1);
    expect(written).toHaveLength(4);
  } finally {
    vi.useRealTimers();
  }
});

test("what is said after the clock was set back is written as soon as ever", async () => {
  const { written, attempt } = notes();
  attempt.report({ current: 1 });
  await expect.poll(() => written).toHaveLength(1);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3_600_000 });
  attempt.report({ current: 2 });
  await expect.poll(() => written, { timeout: 5_000 }).toHaveLength(2);
  vi.useRealTimers();
});
