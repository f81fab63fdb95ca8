import { create, type DescMethod, type DescService, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Health } from "#gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "#gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "#gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { MonitorService } from "#gen/millrace/v1/monitor_service_pb.ts";
import { QueueService } from "#gen/millrace/v1/queue_service_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { sendAndHangUp } from "#test/support/raw-http.ts";
import type { Service } from "#test/support/service.ts";
import { System } from "#test/support/system.ts";
import { damaged, damages } from "./damage.ts";
import {
  ask,
  connect,
  connectGet,
  type Face,
  grpc,
  grpcWeb,
  type Target,
  targetOf,
} from "./faces.ts";
import { fuzz } from "./fuzz.ts";
import { looseJson, messagesOf, QUEUES } from "./messages.ts";
import { type Attack, http1Connections, http2Connections } from "./packets.ts";

/** What a caller can't have caused. */
const OUR_FAULT = new Set(["INTERNAL", "UNKNOWN", "DATA_LOSS"]);
/** Calls on their way at the same time. */
const AT_ONCE = 8;
const BESIDE_WITHIN_MS = 2_000;
/** pino's. What is no call at all, such as one by another HTTP method, is UNKNOWN, and a caller's mistake: info. */
const WARN_LEVEL = 40;
const ERROR_LEVEL = 50;
/** Of the longest line that a caller can make a service log. */
const LINE_CHARS = 10_000;

const BINARY_FACES: Readonly<Record<string, Face>> = {
  grpc,
  grpcWeb,
  connect: connect("proto"),
  connectGet: connectGet("proto"),
};
const JSON_FACES: Readonly<Record<string, Face>> = {
  connect: connect("json"),
  connectGet: connectGet("json"),
};

interface Call {
  readonly face: string;
  readonly method: DescMethod;
  readonly bytes: Buffer;
  /** How fast-check tells of it. */
  readonly [fc.toStringMethod]: () => string;
}

/** Of a message, as much as is told; the seed repeats the rest. */
const TOLD_BYTES = 200;

function callOf({ face, method, bytes }: Pick<Call, "face" | "method" | "bytes">): Call {
  const told = () =>
    `${face} ${method.name} 0x${bytes.toString("hex", 0, TOLD_BYTES)} (${bytes.length} bytes)`;
  return { face, method, bytes, [fc.toStringMethod]: told };
}

/** More often called than others: what comes of it is what most others are about. */
const OFTEN = new Set(["SubmitTask", "SubmitTasks", "RunTask"]);

function methodsOf(...services: DescService[]): DescMethod[] {
  const all = services.flatMap(({ methods }) => methods);
  return [...all, ...all.filter(({ name }) => OFTEN.has(name))];
}

function binaryCalls(methods: readonly DescMethod[]): fc.Arbitrary<Call> {
  const calls = methods.map((method) =>
    fc
      .record({
        face: fc.constantFrom(...Object.keys(BINARY_FACES)),
        bytes: messagesOf(method.input).map((init) =>
          toBinary(method.input, create(method.input, init)),
        ),
        damage: damages,
      })
      .map(({ face, bytes, damage }) => callOf({ face, method, bytes: damaged(bytes, damage) })),
  );
  return fc.oneof(...calls);
}

function jsonCalls(methods: readonly DescMethod[]): fc.Arbitrary<Call> {
  const calls = methods.map((method) =>
    fc
      .record({
        face: fc.constantFrom(...Object.keys(JSON_FACES)),
        text: looseJson(method.input),
        damage: damages,
      })
      .map(({ face, text, damage }) =>
        callOf({ face, method, bytes: damaged(Buffer.from(text), damage) }),
      ),
  );
  return fc.oneof(...calls);
}

function severalOf(calls: fc.Arbitrary<Call>): fc.Arbitrary<Call[]> {
  return fc.array(calls, { minLength: 1, maxLength: AT_ONCE });
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

const COMMON = [Health, ServerReflection, ServerReflectionV1Alpha];
const ON_GATEWAY = methodsOf(TaskService, QueueService, ...COMMON);
const ON_MONITOR = methodsOf(MonitorService, ...COMMON);

describe("whatever callers send", () => {
  const stack = new AsyncDisposableStack();
  let services: readonly Service[];
  let gateway: Target;
  let monitor: Target;
  let workerUrl: string;

  beforeAll(async () => {
    const system = stack.use(await System.start({ MILLRACE_QUEUES: QUEUES.join(",") }));
    const { gateway: first, worker } = await system.running();
    const second = await system.monitor();
    const { grpc: address } = await second.service.logged("monitor is up");
    gateway = stack.use(targetOf(first.url, first.address));
    monitor = stack.use(targetOf(second.url, String(address)));
    workerUrl = worker.url;
    services = [first.service, worker.service, second.service];
  });
  afterAll(() => stack.disposeAsync());

  /** Each service answers somebody else, in time. */
  async function nobodyIsHarmed(): Promise<void> {
    for (const service of services) expect(service.hasExited, service.stderr).toBe(false);
    const within = { signal: AbortSignal.timeout(BESIDE_WITHIN_MS) };
    for (const url of [gateway.url, monitor.url, workerUrl]) {
      const answer = await ask(`${url}/readyz`, within);
      expect(await answer.json()).toMatchObject({ ready: true });
    }
    const list = TaskService.method.listTaskTypes;
    expect(await grpc(gateway, list, Buffer.alloc(0))).toBe("OK");
  }

  async function callAll(target: Target, faces: Readonly<Record<string, Face>>, calls: Call[]) {
    const codes = calls.map(async (call) => {
      const code = (await faces[call.face]?.(target, call.method, call.bytes)) ?? "UNKNOWN";
      if (OUR_FAULT.has(code)) throw new Error(`${call[fc.toStringMethod]()} ended with ${code}`);
    });
    await Promise.all([...codes, nobodyIsHarmed()]);
  }

  fuzz("as messages to the gateway, no answer is INTERNAL and others are answered", {
    inputs: severalOf(binaryCalls(ON_GATEWAY)),
    share: 0.25,
    check: (calls) => callAll(gateway, BINARY_FACES, calls),
  });

  fuzz("as JSON to the gateway, no answer is INTERNAL and others are answered", {
    inputs: severalOf(jsonCalls(ON_GATEWAY)),
    share: 0.2,
    check: (calls) => callAll(gateway, JSON_FACES, calls),
  });

  fuzz("as messages to the monitor, no answer is INTERNAL and others are answered", {
    inputs: severalOf(binaryCalls(ON_MONITOR)),
    share: 0.1,
    check: (calls) => callAll(monitor, BINARY_FACES, calls),
  });

  fuzz("as JSON to the monitor, no answer is INTERNAL and others are answered", {
    inputs: severalOf(jsonCalls(ON_MONITOR)),
    share: 0.1,
    check: (calls) => callAll(monitor, JSON_FACES, calls),
  });

  async function attackAll(ports: readonly number[], attacks: readonly Attack[]) {
    const sent = attacks.flatMap((attack) =>
      ports.map((port) => sendAndHangUp({ port, ...attack })),
    );
    await Promise.all([...sent, nobodyIsHarmed()]);
  }

  fuzz("as bytes over HTTP/1.1, no service ends and others are answered", {
    inputs: fc.array(http1Connections, { minLength: 1, maxLength: AT_ONCE }),
    share: 0.15,
    check: (attacks) => attackAll([gateway.url, monitor.url, workerUrl].map(portOf), attacks),
  });

  fuzz("as bytes over HTTP/2, no service ends and others are answered", {
    inputs: fc.array(http2Connections, { minLength: 1, maxLength: AT_ONCE }),
    share: 0.15,
    check: (attacks) => attackAll([gateway.grpcUrl, monitor.grpcUrl].map(portOf), attacks),
  });

  test("nothing of it was an error of the services', and no line of their logs is long", () => {
    for (const { entries, stderr } of services) {
      const wrong = entries.filter(
        ({ level, code }) =>
          Number(level) >= ERROR_LEVEL ||
          (Number(level) >= WARN_LEVEL && OUR_FAULT.has(String(code))),
      );
      expect(wrong.map(({ msg, method, code }) => `${msg} ${method} ${code}`)).toEqual([]);
      const tooLong = entries.find((entry) => JSON.stringify(entry).length >= LINE_CHARS);
      expect(tooLong).toBeUndefined();
      expect(stderr).toBe("");
    }
  });
});
