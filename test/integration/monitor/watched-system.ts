import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { MonitorService, type Overview } from "#gen/millrace/v1/monitor_service_pb.ts";
import { StateChangeSchema, TaskSpecSchema, TaskState } from "#gen/millrace/v1/task_pb.ts";
import { WaitingTaskSchema } from "#gen/millrace/v1/waiting_task_pb.ts";
import { Broker } from "#lib/broker/broker.ts";
import type { Fence } from "#lib/broker/log/task-log.ts";
import { natsServers } from "#lib/process/nats-server.ts";
import { type GrpcClient, openGrpcClient } from "#lib/rpc/client.ts";
import { deleteTask, refuseTask } from "#lib/task/next-state.ts";
import { startTestNats, type TestNats } from "#test/support/nats.ts";
import { Service } from "#test/support/service.ts";
import { until } from "#test/support/until.ts";

const MIB = 2 ** 20;
const SILENT = { info() {}, warn() {}, error() {} };
export const TYPE = "test.v1.Work";

const SPEC = {
  input: { typeUrl: `type.googleapis.com/${TYPE}`, value: new Uint8Array(3) },
  queue: "default",
};

type Spec = Omit<MessageInitShape<typeof TaskSpecSchema>, "$typeName" | "$unknown">;

/** The real monitor, in a process of its own, and clients of both its doors. */
export class RunningMonitor implements AsyncDisposable {
  readonly service: Service;
  readonly url: string;
  readonly address: string;
  readonly grpc: Client<typeof MonitorService>;
  readonly connect: Client<typeof MonitorService>;
  readonly #connection: GrpcClient;

  constructor(service: Service, { grpc, page }: { grpc: string; page: string }) {
    this.service = service;
    this.url = page;
    this.address = grpc;
    this.#connection = openGrpcClient({ address: grpc });
    this.grpc = this.#connection.of(MonitorService);
    const transport = createConnectTransport({ baseUrl: page, httpVersion: "1.1" });
    this.connect = createClient(MonitorService, transport);
  }

  get doors(): readonly Client<typeof MonitorService>[] {
    return [this.grpc, this.connect];
  }

  async overview(): Promise<Overview> {
    const { overview } = await this.grpc.getOverview({});
    if (!overview) throw new Error("no overview");
    return overview;
  }

  /** The first overview in which the fact is to be seen. */
  async shows(fact: (overview: Overview) => boolean): Promise<Overview> {
    let seen = await this.overview();
    await until(async () => {
      seen = await this.overview();
      return fact(seen);
    });
    return seen;
  }

  async readiness(): Promise<{ ready: boolean; reasons: Record<string, string> }> {
    return (await fetch(`${this.url}/readyz`)).json() as ReturnType<RunningMonitor["readiness"]>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    await this.service[Symbol.asyncDispose]();
  }
}

/** A broker, somebody who writes to it as gateway and workers would, and monitors that watch. */
export class WatchedSystem implements AsyncDisposable {
  readonly nats: TestNats;
  readonly broker: Broker;
  readonly #monitors: RunningMonitor[] = [];

  private constructor(nats: TestNats) {
    this.nats = nats;
    this.broker = new Broker({
      servers: natsServers(nats.url),
      token: undefined,
      name: "test",
      log: SILENT,
      topology: {
        queues: ["default"],
        queueMaxTasks: 1_000,
        queueMaxBytes: 8 * MIB,
        historyMaxBytes: 64 * MIB,
        historyMs: 3_600_000,
        replicas: 1,
      },
    });
  }

  static async start(): Promise<WatchedSystem> {
    const system = new WatchedSystem(await startTestNats());
    await system.broker.link.whenUp(AbortSignal.timeout(30_000));
    return system;
  }

  async monitor(env: Readonly<Record<string, string>> = {}): Promise<RunningMonitor> {
    const service = new Service("services/monitor/main.ts", {
      NATS_SERVERS: this.nats.url,
      MILLRACE_MONITOR_GRPC_PORT: "0",
      MILLRACE_MONITOR_HTTP_PORT: "0",
      MILLRACE_LOG_FORMAT: "json",
      ...env,
    });
    const { grpc, page } = await service.logged("monitor is up");
    const monitor = new RunningMonitor(service, { grpc: String(grpc), page: String(page) });
    this.#monitors.push(monitor);
    return monitor;
  }

  async accept(taskId: string, given: Spec = {}): Promise<Fence> {
    const spec = create(TaskSpecSchema, { ...SPEC, ...given });
    const begun = await this.broker.log.begin(taskId, spec);
    if (!begun) throw new Error("the task was begun before");
    return begun;
  }

  async enqueue(taskId: string): Promise<void> {
    await this.accept(taskId);
    await this.broker.queues.enqueue(create(WaitingTaskSchema, { taskId, spec: SPEC }));
  }

  async refuse(taskId: string): Promise<void> {
    await this.broker.log.append(await this.accept(taskId), refuseTask("default"));
  }

  /** Limits the history so that this share of it is taken. */
  async fill(share: number): Promise<void> {
    const { jsm, names } = this.broker.link.use();
    const { bytes } = await this.broker.space.usage();
    await jsm.streams.update(names.eventsStream, { max_bytes: Math.floor(bytes / share) });
  }

  /** Deletes the task as a gateway does. */
  async delete(fence: Fence, state: TaskState): Promise<void> {
    const mark = deleteTask(create(StateChangeSchema, { state, attempt: 1 }));
    const marked = await this.broker.log.append(fence, mark);
    if (marked.kind === "conflict") throw new Error("somebody else moved the task");
    await this.broker.log.forget(fence.taskId, marked.sequence);
  }

  /** Accepts the task and takes it through the states, as attempts of the worker. */
  async run(
    taskId: string,
    states: readonly TaskState[],
    change: MessageInitShape<typeof StateChangeSchema> = {},
  ): Promise<Fence> {
    let fence = await this.accept(taskId);
    for (const state of states) fence = await this.move(fence, state, change);
    return fence;
  }

  async move(
    fence: Fence,
    state: TaskState,
    change: MessageInitShape<typeof StateChangeSchema> = {},
  ): Promise<Fence> {
    const failures = state === TaskState.FAILED || state === TaskState.RETRYING ? 1 : 0;
    const given = { attempt: 1, workerId: "worker-1", failures, ...change, state };
    const stored = await this.broker.log.append(fence, create(StateChangeSchema, given));
    if (stored.kind === "conflict") throw new Error("somebody else moved the task");
    return { ...fence, stateSequence: stored.sequence };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#monitors.map((monitor) => monitor[Symbol.asyncDispose]()));
    await this.broker[Symbol.asyncDispose]();
    await this.nats[Symbol.asyncDispose]();
  }
}
