import { fromJson } from "@bufbuild/protobuf";
import {
  type Any,
  anyPack,
  anyUnpack,
  StringValueSchema,
  StructSchema,
  ValueSchema,
} from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { QueueService } from "#gen/millrace/v1/queue_service_pb.ts";
import type { Task, TaskEvent, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import { type GrpcClient, openGrpcClient } from "#lib/rpc/client.ts";
import { stateName } from "#lib/task/life.ts";
import { startTestNats, type TestNats, type TestNatsOptions } from "./nats.ts";
import type { Script } from "./scripted-worker/scripted.ts";
import { type Launch, type LogEntry, Service } from "./service.ts";
import { until } from "./until.ts";

const FREE_PORTS = {
  MILLRACE_GATEWAY_GRPC_PORT: "0",
  MILLRACE_GATEWAY_HTTP_PORT: "0",
  MILLRACE_WORKER_HTTP_PORT: "0",
  MILLRACE_MONITOR_GRPC_PORT: "0",
  MILLRACE_MONITOR_HTTP_PORT: "0",
  MILLRACE_LOG_FORMAT: "json",
};

type Env = Readonly<Record<string, string>>;

/** A gateway process, and a client of its gRPC door. */
export class Gateway implements AsyncDisposable {
  readonly service: Service;
  readonly address: string;
  readonly url: string;
  readonly #connection: GrpcClient;
  readonly client: Client<typeof TaskService>;
  readonly queues: Client<typeof QueueService>;

  constructor(service: Service, { address, url }: { address: string; url: string }) {
    this.service = service;
    this.address = address;
    this.url = url;
    this.#connection = openGrpcClient({ address });
    this.client = this.#connection.of(TaskService);
    this.queues = this.#connection.of(QueueService);
  }

  ready(): Promise<void> {
    return this.service.ready(this.url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    await this.service[Symbol.asyncDispose]();
  }
}

export const SCRIPTED_WORKER = "test/support/scripted-worker/main.ts";

/** A worker process that runs scripted tasks. */
class ScriptedWorker implements AsyncDisposable {
  readonly service: Service;
  readonly id: string;
  readonly url: string;

  constructor(service: Service, { id, url }: { id: string; url: string }) {
    this.service = service;
    this.id = id;
    this.url = url;
  }

  ready(): Promise<void> {
    return this.service.ready(this.url);
  }

  /** Resolves when it has let go of an attempt of the task that ended so. */
  async attemptEnded(id: string, how: string): Promise<void> {
    const isSuch = ({ taskId, outcome }: LogEntry) => taskId === id && outcome === how;
    await this.service.logged("attempt ended", isSuch);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.service[Symbol.asyncDispose]();
  }
}

/** What a system needs to know of its broker: where it is, as NATS_SERVERS says it. */
interface TestBroker extends AsyncDisposable {
  readonly url: string;
}

/** A whole Millrace of real processes, gone with the end of the scope. */
export class System<Nats extends TestBroker = TestNats> implements AsyncDisposable {
  readonly nats: Nats;
  readonly #env: Env;
  readonly #launch: Launch;
  readonly #processes: AsyncDisposable[] = [];

  private constructor(nats: Nats, env: Env, launch: Launch) {
    this.nats = nats;
    this.#launch = launch;
    this.#env = { ...FREE_PORTS, NATS_SERVERS: nats.url, ...env };
  }

  static async start(env: Env = {}, nats: TestNatsOptions = {}): Promise<System> {
    return new System(await startTestNats(nats), env, {});
  }

  /** A system on a broker of another kind, which ends with it. */
  static on<Other extends TestBroker>(
    nats: Other,
    env: Env = {},
    launch: Launch = {},
  ): System<Other> {
    return new System(nats, env, launch);
  }

  async gateway(env: Env = {}, release = "."): Promise<Gateway> {
    const service = this.spawn(`${release}/services/gateway/main.ts`, env);
    const { grpc, connect } = await service.logged("gateway is up");
    const gateway = new Gateway(service, { address: String(grpc), url: String(connect) });
    this.#processes.push(gateway);
    await gateway.ready();
    return gateway;
  }

  async worker(env: Env = {}, main = SCRIPTED_WORKER) {
    const service = this.spawn(main, env);
    const { workerId, health } = await service.logged("worker is up");
    const worker = new ScriptedWorker(service, { id: String(workerId), url: String(health) });
    this.#processes.push(worker);
    await worker.ready();
    return worker;
  }

  /** A monitor, and the address of its page. */
  async monitor(env: Env = {}): Promise<{ readonly service: Service; readonly url: string }> {
    const service = this.spawn("services/monitor/main.ts", env);
    const url = String((await service.logged("monitor is up"))["page"]);
    await service.ready(url);
    return { service, url };
  }

  /** A gateway and a worker that know each other's task types. */
  async running(workerEnv: Env = {}) {
    const [gateway, worker] = await Promise.all([this.gateway(), this.worker(workerEnv)]);
    await typesKnown(gateway, SCRIPTED_TYPES);
    return { gateway, worker };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process[Symbol.asyncDispose]()));
    await this.nats[Symbol.asyncDispose]();
  }

  /** A service of the system, by its main file. */
  spawn(main: string, env: Env = {}): Service {
    const service = new Service(main, { ...this.#env, ...env }, this.#launch);
    this.#processes.push(service);
    return service;
  }
}

/** The input of a scripted task. */
export function scriptOf(script: Script): Any {
  return anyPack(StructSchema, fromJson(StructSchema, { ...script }));
}

/** The lane of scripted tasks of priority NORMAL, which is also its consumer. */
export const SCRIPTED_LANE = "p2+google-protobuf-Struct";

/** The input of a scripted task that runs in a thread of its own. */
export function isolatedScriptOf(script: Script): Any {
  return anyPack(ValueSchema, fromJson(ValueSchema, { ...script }));
}

export const SCRIPTED_TYPES = 2;

/** Waits until the gateway knows as many task types. */
export async function typesKnown({ client }: Gateway, count = 1): Promise<void> {
  await until(async () => (await client.listTaskTypes({})).taskTypes.length >= count);
}

/** Every event of the task up to its terminal one. */
export async function historyOf(
  { client }: Pick<Gateway, "client">,
  taskId: string,
): Promise<TaskEvent[]> {
  const events: TaskEvent[] = [];
  for await (const { update } of client.watchTask({ taskId })) {
    if (update?.kind.case === "event") events.push(update.kind.value);
  }
  return events;
}

/** The states that a task went through, with the number of the attempt: ["RUNNING 1", "SUCCEEDED 1"]. */
export function statesOf(events: readonly TaskEvent[]): string[] {
  return events.flatMap(({ facet }) =>
    facet.case === "state" ? [`${stateName(facet.value.state)} ${facet.value.attempt}`] : [],
  );
}

/** The state that an event brings; undefined for one that brings none. */
export function stateOf(event: TaskEvent | undefined): TaskState | undefined {
  return event?.facet.case === "state" ? event.facet.value.state : undefined;
}

/** The text that attempts of the task handed out, in one piece. */
export function wordsOf(events: readonly TaskEvent[]): string {
  const pieces = events.map(({ facet }) => facet.case === "output" && facet.value.content.value);
  return pieces.filter(Boolean).join("");
}

export function outputOf(task: Task | undefined): string | undefined {
  return task?.output && anyUnpack(task.output, StringValueSchema)?.value;
}
