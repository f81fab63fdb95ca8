import { toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "#gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "#gen/google/rpc/status_pb.ts";
import { statusOf } from "#lib/rpc/status-of.ts";
import {
  BrokerUnavailable,
  GatewayStarting,
  HistoryFull,
  InvalidField,
  OutcomeUnknown,
  QueueFull,
  TaskFinished,
  TaskIdTaken,
  TaskNotFound,
  TaskTypeUnknown,
  WatcherTooSlow,
} from "#lib/task/errors.ts";
import { drain, errorOf, KEEP_ALIVE, type Scene } from "./scene.ts";

interface Told {
  readonly thrown: Error;
  readonly code: Code;
  readonly reason: string;
  readonly metadata?: Record<string, string>;
  readonly retryAfterSeconds?: number;
}

const TOLD: readonly Told[] = [
  {
    thrown: new TaskNotFound("t"),
    code: Code.NotFound,
    reason: "TASK_NOT_FOUND",
    metadata: { task_id: "t" },
  },
  {
    thrown: new TaskFinished("t", "FAILED"),
    code: Code.FailedPrecondition,
    reason: "TASK_FINISHED",
    metadata: { task_id: "t", state: "FAILED" },
  },
  {
    thrown: new TaskIdTaken("t"),
    code: Code.AlreadyExists,
    reason: "TASK_ID_TAKEN",
    metadata: { task_id: "t" },
  },
  {
    thrown: new TaskTypeUnknown("a.B", ["c.D", "e.F"]),
    code: Code.FailedPrecondition,
    reason: "TASK_TYPE_UNKNOWN",
    metadata: { task_type: "a.B", known: "c.D,e.F" },
  },
  {
    thrown: new GatewayStarting(),
    code: Code.Unavailable,
    reason: "GATEWAY_STARTING",
    retryAfterSeconds: 0.5,
  },
  {
    thrown: new QueueFull("q", 1500),
    code: Code.ResourceExhausted,
    reason: "QUEUE_FULL",
    metadata: { queue: "q" },
    retryAfterSeconds: 1.5,
  },
  {
    thrown: new HistoryFull(),
    code: Code.ResourceExhausted,
    reason: "HISTORY_FULL",
    retryAfterSeconds: 30,
  },
  {
    thrown: new OutcomeUnknown("t"),
    code: Code.Unavailable,
    reason: "OUTCOME_UNKNOWN",
    metadata: { task_id: "t" },
    retryAfterSeconds: 30,
  },
  {
    thrown: new BrokerUnavailable(),
    code: Code.Unavailable,
    reason: "BROKER_UNAVAILABLE",
    retryAfterSeconds: 1,
  },
  {
    thrown: new WatcherTooSlow(42n),
    code: Code.ResourceExhausted,
    reason: "WATCHER_TOO_SLOW",
    metadata: { resume_after_sequence: "42" },
  },
];

function expectTold(error: ConnectError, told: Told): void {
  expect(error.code).toBe(told.code);
  expect(error.rawMessage).toBe(told.thrown.message);
  const { reason, metadata = {} } = told;
  const [info] = error.findDetails(ErrorInfoSchema);
  expect(info).toMatchObject({ reason, domain: "millrace", metadata });
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const seconds = delay && Number(delay.seconds) + delay.nanos / 1e9;
  expect(seconds).toBe(told.retryAfterSeconds);
}

/** What a caller is told when a handler fails, or when its request breaks a rule. */
export function errors(scene: Scene): void {
  describe.each(TOLD)("$reason", (told) => {
    test("is told by a unary call, with its details", async () => {
      scene.stage.onGet(told.reason, () => {
        throw told.thrown;
      });
      expectTold(await errorOf(scene.tasks.getTask({ taskId: told.reason })), told);
    });

    test("is told by a stream, after what it had sent", async () => {
      scene.stage.onWatch(told.reason, async function* () {
        yield KEEP_ALIVE;
        throw told.thrown;
      });
      let seen = 0;
      const reading = (async () => {
        for await (const _ of scene.tasks.watchTask({ taskId: told.reason })) seen++;
      })();
      expectTold(await errorOf(reading), told);
      expect(seen).toBe(1);
    });
  });

  test("an error that nobody foresaw is INTERNAL, its text only in the log", async () => {
    scene.stage.onGet("surprise", () => {
      throw new TypeError("a secret");
    });
    const error = await errorOf(scene.tasks.getTask({ taskId: "surprise" }));
    expect([error.code, error.rawMessage]).toEqual([Code.Internal, "internal error"]);
    const line = await scene.stage.logged(({ code }) => code === "INTERNAL");
    expect(line).toMatchObject({
      level: 40,
      method: "millrace.v1.TaskService/GetTask",
      err: { message: "a secret", stack: expect.stringContaining("TypeError: a secret") },
    });
  });

  test("a handler's InvalidField names the field", async () => {
    scene.stage.onGet("field", () => {
      throw new InvalidField("spec.queue", "no such queue");
    });
    const error = await errorOf(scene.tasks.getTask({ taskId: "field" }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toBe("spec.queue: no such queue");
    const [badRequest] = error.findDetails(BadRequestSchema);
    expect(badRequest?.fieldViolations).toMatchObject([
      { field: "spec.queue", description: "no such queue" },
    ]);
  });

  test("a request that breaks rules is refused with every field and rule", async () => {
    const spec = { queue: "No Queue", labels: { "Bad Key": "v" } };
    const error = await errorOf(scene.tasks.submitTask({ taskId: "a", requestId: "b", spec }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toBe("spec.input: value is required (and 3 more)");
    const [badRequest] = error.findDetails(BadRequestSchema);
    expect(badRequest?.fieldViolations.map(({ field, reason }) => [field, reason])).toEqual([
      ["spec.input", "required"],
      ["spec.queue", "string.pattern"],
      ['spec.labels["Bad Key"]', "string.pattern"],
      ["", "message.oneof"],
    ]);
    const [info] = error.findDetails(ErrorInfoSchema);
    expect(info).toMatchObject({ reason: "INVALID_FIELD", domain: "millrace" });
  });

  test("many broken rules do not break the headers they travel in", async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `Bäd ${index} ${"ö".repeat(50)}`);
    const labels = Object.fromEntries(keys.map((key) => [key, "v"]));
    const error = await errorOf(scene.tasks.submitTask({ spec: { labels } }));
    expect(error.code).toBe(Code.InvalidArgument);
    const violations = error.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [];
    expect(violations.length).toBeGreaterThan(5);
    const details = toBinary(StatusSchema, statusOf(error));
    // As it travels: the details in base64, the message besides as percent signs.
    expect((details.length * 4) / 3 + encodeURIComponent(error.rawMessage).length).toBeLessThan(
      8_000,
    );
  });

  test("what is longer or more than allowed is told as that, with the limit", async () => {
    const labels = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, ""]));
    const spec = { queue: "q".repeat(5_000), labels };
    const error = await errorOf(scene.tasks.submitTask({ requestId: "😀".repeat(257), spec }));
    expect(error.code).toBe(Code.InvalidArgument);
    const [badRequest] = error.findDetails(BadRequestSchema);
    expect(
      badRequest?.fieldViolations.map(({ field, description }) => `${field} ${description}`),
    ).toEqual([
      "request_id must be at most 256 characters",
      "spec.queue must be at most 32 characters",
      "spec.labels must be at most 32 pairs",
    ]);
  });

  test("an error's text is cut, for its caller and in the log", async () => {
    scene.stage.onGet("talkative", () => {
      throw new ConnectError(`nothing like ${"é".repeat(1_000_000)} here`, Code.NotFound);
    });
    const error = await errorOf(scene.tasks.getTask({ taskId: "talkative" }));
    expect(error.code).toBe(Code.NotFound);
    expect(error.rawMessage).toMatch(/^nothing like é+…$/);
    const { length } = error.rawMessage;
    expect(length).toBeLessThan(1_000);
    const line = await scene.stage.logged(({ reason }) =>
      String(reason).startsWith("nothing like"),
    );
    expect(line).toMatchObject({ reason: error.rawMessage });
  });

  test("a stream's request is checked too", async () => {
    const error = await errorOf(drain(scene.tasks.watchTask({ taskId: "not an id" })));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe("task_id");
  });
}
