import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { create, createRegistry } from "@bufbuild/protobuf";
import { anyPack, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { type Client, Code, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { TaskTypeUnknown } from "#lib/task/errors.ts";
import { PROXIES, RunningProxy } from "#test/support/proxies.ts";
import { grpcJsTransport } from "../integration/rpc/grpc-js-transport.ts";
import { errorOf, KEEP_ALIVE } from "../integration/rpc/scene.ts";
import { Stage } from "../integration/rpc/stage.ts";

/** With what is around it, nearly 4 MiB. */
const LARGE = "x".repeat(4 * 2 ** 20 - 300);
const registry = createRegistry(StringValueSchema);

/** What nginx does when it is told nothing but where to pass requests on to. */
const BARE_NGINX = "server { listen 80; location / { proxy_pass http://127.0.0.1:8080; } }";

/** A name that is passed on as the Host header. */
const PUBLIC_NAME = "tasks.example.com";

type Tasks = Client<typeof TaskService>;

interface Caller {
  readonly protocol: string;
  readonly transport: (proxy: RunningProxy) => Transport & Partial<Disposable>;
}

const over = ({ http }: RunningProxy) =>
  ({ baseUrl: `http://127.0.0.1:${http}`, httpVersion: "1.1" }) as const;

const CALLERS: readonly Caller[] = [
  {
    protocol: "Connect in JSON",
    transport: (proxy) =>
      createConnectTransport({ ...over(proxy), useBinaryFormat: false, jsonOptions: { registry } }),
  },
  { protocol: "gRPC-Web", transport: (proxy) => createGrpcWebTransport(over(proxy)) },
  { protocol: "gRPC", transport: ({ http2 }) => grpcJsTransport(http2) },
];

/** Doors in front of a scripted service, for as long as the scope. */
async function openDoors(stage: Stage, allowedHosts: readonly string[] = []) {
  const { options } = stage;
  const connect = await openConnectDoor({ ...options, corsOrigins: ["loopback"], allowedHosts });
  const grpc = await openGrpcDoor(options);
  return {
    ports: { connect: connect.port, grpc: grpc.port },
    [Symbol.asyncDispose]: async () => void (await Promise.all([connect.leave(), grpc.leave()])),
  };
}

/** Has the watch say something and then nothing for as long as somebody listens; resolves when nobody does. */
function watched(stage: Stage, taskId: string): Promise<void> {
  const alone = Promise.withResolvers<void>();
  stage.onWatch(taskId, async function* ({ signal }) {
    signal.addEventListener("abort", () => alone.resolve());
    yield KEEP_ALIVE;
    await alone.promise;
  });
  return alone.promise;
}

async function firstThenHangUp(tasks: Tasks, taskId: string): Promise<string | undefined> {
  const leaving = new AbortController();
  const watch = tasks.watchTask({ taskId }, { signal: leaving.signal });
  const first = await watch[Symbol.asyncIterator]().next();
  leaving.abort();
  return first.value?.update?.kind.case;
}

/** A call by a name that leads to the proxy. */
async function callBy(host: string, port: number) {
  const headers = { host, "content-type": "application/json" };
  const path = "/millrace.v1.TaskService/GetTask";
  const asked = request({ port, path, method: "POST", headers }).end('{"taskId":"a"}');
  const [answer]: IncomingMessage[] = await once(asked, "response");
  return { status: answer?.statusCode, body: answer && (await text(answer)) };
}

describe.each(PROXIES)("$name, set up as docs/operations.md tells", ({ name, installed }) => {
  if (!installed) return test.skip(`not run, for ${name} is not installed here`);

  const stage = new Stage();
  stage.registry.add(StringValueSchema);
  let doors: Awaited<ReturnType<typeof openDoors>>;
  let proxy: RunningProxy;
  beforeAll(async () => {
    doors = await openDoors(stage);
    proxy = await RunningProxy.start(name, doors.ports);
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await doors[Symbol.asyncDispose]();
  });

  describe.each(CALLERS)("by $protocol", ({ transport }) => {
    let used: ReturnType<Caller["transport"]>;
    let tasks: Tasks;
    beforeAll(() => {
      used = transport(proxy);
      tasks = createClient(TaskService, used);
    });
    afterAll(() => used[Symbol.dispose]?.());

    test("a watch tells at once what there is, and ends here when its caller hangs up", async () => {
      const hungUp = watched(stage, "watched");
      expect(await firstThenHangUp(tasks, "watched")).toBe("keepAlive");
      await hungUp;
    });

    test("an error arrives whole: of a call, and at the end of a watch", async () => {
      const fail = () => {
        throw new TaskTypeUnknown("a.B", ["c.D", "e.F"]);
      };
      stage.onGet("fails", fail);
      stage.onWatch("fails", async function* () {
        yield KEEP_ALIVE;
        fail();
      });
      const calls = [
        () => tasks.getTask({ taskId: "fails" }),
        () => Array.fromAsync(tasks.watchTask({ taskId: "fails" })),
      ];
      for (const call of calls) {
        const error = await errorOf(call());
        expect(error.code).toBe(Code.FailedPrecondition);
        const [info] = error.findDetails(ErrorInfoSchema);
        expect(info?.metadata).toEqual({ task_type: "a.B", known: "c.D,e.F" });
      }
    });

    test("the largest message passes, both ways", async () => {
      const input = anyPack(StringValueSchema, create(StringValueSchema, { value: LARGE }));
      const { task } = await tasks.submitTask({ spec: { input } });
      expect(task?.spec?.input?.value.length).toBe(input.value.length);
    });
  });
});

const nginx = PROXIES.find(({ name, installed }) => name === "nginx" && installed);

describe.skipIf(!nginx)("nginx with its defaults", () => {
  test.each(CALLERS.slice(0, 2))(
    "a watch by $protocol shows its first message at once, not when it ends",
    async ({ transport }) => {
      const stage = new Stage();
      await using doors = await openDoors(stage);
      await using proxy = await RunningProxy.start("nginx", doors.ports, BARE_NGINX);
      const hungUp = watched(stage, "a");
      const tasks = createClient(TaskService, transport(proxy));
      expect(await firstThenHangUp(tasks, "a")).toBe("keepAlive");
      await hungUp;
    },
  );
});

const passesHostOn = PROXIES.filter(({ name, installed }) => name !== "nginx" && installed);

describe.each(passesHostOn)("$name, which passes the name on that it is called by", ({ name }) => {
  test.each([
    { allowed: [PUBLIC_NAME], status: 200 },
    { allowed: [], status: 403 },
  ])("is answered $status where $allowed are allowed", async ({ allowed, status }) => {
    await using doors = await openDoors(new Stage(), allowed);
    await using proxy = await RunningProxy.start(name, doors.ports);
    const answer = await callBy(PUBLIC_NAME, proxy.http);
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body).toContain("MILLRACE_ALLOWED_HOSTS");
  });
});
