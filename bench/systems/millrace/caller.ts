import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { anyUnpack, DoubleValueSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials } from "@grpc/grpc-js";
import type { TaskEvent } from "#gen/millrace/v1/task_pb.ts";
import { TaskService, type TaskUpdate } from "#gen/millrace/v1/task_service_pb.ts";
import { reportsOf } from "#lib/task/reports.ts";
import type { Caller, Ended, TaskWanted, Watcher } from "../../client/caller.ts";
import { taskInput } from "./task-input.ts";

/** Else clients of one address share a connection. */
const OWN_CONNECTION = { "grpc.use_local_subchannel_pool": 1 };

/**
 * A backend's client: grpc-js, with a connection to each gateway, as it is when nobody sets anything. Calls go to the gateways
 * in turn.
 */
export async function openCaller(address: string): Promise<Caller> {
  const clients = address
    .split(",")
    .map((each) => new Client(each, credentials.createInsecure(), OWN_CONNECTION));
  let calls = 0;
  const next = (): Client => {
    calls += 1;
    const client = clients[calls % clients.length];
    if (!client) throw new Error("there is no gateway to call");
    return client;
  };
  return {
    async submit(task) {
      const response = await unary(next(), TaskService.method.submitTask, requestOf(task));
      return `${response.task?.id}`;
    },
    async submitMany(tasks) {
      const request = { tasks: tasks.map(requestOf) };
      const { results } = await unary(next(), TaskService.method.submitTasks, request);
      return results.flatMap(({ outcome }) =>
        outcome.case === "accepted" ? [`${outcome.value.task?.id}`] : [],
      );
    },
    run(task) {
      return follow(next(), TaskService.method.runTask, { submit: requestOf(task) });
    },
    watch(taskId, watcher) {
      return follow(next(), TaskService.method.watchTask, { taskId }, watcher);
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
    },
  };
}

function requestOf(task: TaskWanted) {
  return { spec: { input: taskInput(task) } };
}

function unary<Method extends DescMethod>(
  client: Client,
  method: Method,
  request: MessageInitShape<Method["input"]>,
): Promise<MessageShape<Method["output"]>> {
  return new Promise((resolve, reject) => {
    const { path, serialize, deserialize } = wire(method);
    client.makeUnaryRequest(path, serialize, deserialize, request, (error, response) => {
      if (error) reject(error);
      else if (response) resolve(response);
    });
  });
}

type Following = typeof TaskService.method.runTask | typeof TaskService.method.watchTask;

/** Reads a watch to its end. */
function follow<Method extends Following>(
  client: Client,
  method: Method,
  request: MessageInitShape<Method["input"]>,
  watcher: Watcher = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { path, serialize, deserialize } = wire(method);
    let ended: Ended | undefined;
    client
      .makeServerStreamRequest(path, serialize, deserialize, request)
      .on("data", ({ update }: { update?: TaskUpdate }) => {
        if (update?.kind.case === "snapshot") watcher.onOpen?.();
        if (update?.kind.case === "event") ended = heard(update.kind.value, watcher) ?? ended;
      })
      .on("error", reject)
      .on("end", () => {
        if (ended) resolve(ended);
        else reject(new Error("a watch ended without the end of its task"));
      });
  });
}

/** Its end, if the event tells that; every state change with an output is one. */
function heard(event: TaskEvent, { onReport }: Watcher): Ended | undefined {
  const { taskId, facet } = event;
  for (const { note } of reportsOf(event)) onReport?.(Number(note));
  if (facet.case !== "state" || !facet.value.output) return undefined;
  const startedAtMs = anyUnpack(facet.value.output, DoubleValueSchema)?.value ?? Number.NaN;
  return { id: taskId, startedAtMs };
}

function wire<Method extends DescMethod>({ parent, name, input, output }: Method) {
  return {
    path: `/${parent.typeName}/${name}`,
    serialize: (request: MessageInitShape<Method["input"]>) =>
      Buffer.from(toBinary(input, create(input, request))),
    deserialize: (bytes: Buffer) => fromBinary(output, bytes) as MessageShape<Method["output"]>,
  };
}
