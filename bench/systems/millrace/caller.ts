import { randomUUID } from "node:crypto";
import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { TaskService, type TaskUpdate } from "#gen/millrace/v1/task_service_pb.ts";
import type { Caller, Ended, Watcher } from "../../client/caller.ts";
import { askPatiently } from "./ask-patiently.ts";
import { openConnectCaller } from "./connect-caller.ts";
import { requestOf } from "./task-request.ts";
import { noEnd, tellWatcher } from "./tell-watcher.ts";

/** Else clients of one address share a connection. */
const OWN_CONNECTION = { "grpc.use_local_subchannel_pool": 1 };

/** By gRPC, or over Connect where the address is a URL. */
export async function openCaller(address: string): Promise<Caller> {
  return address.startsWith("http") ? openConnectCaller(address) : openGrpcCaller(address);
}

/**
 * A backend's client: grpc-js, with a connection to each gateway, as it is when nobody sets anything. Calls go to the gateways
 * in turn.
 */
function openGrpcCaller(address: string): Caller {
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
      return results.map(({ outcome }) => {
        if (outcome.case === "accepted") return `${outcome.value.task?.id}`;
        throw new Error(`a task of a call was refused: ${outcome.value?.message}`);
      });
    },
    run(task) {
      return follow(next(), TaskService.method.runTask, { submit: requestOf(task) });
    },
    runPatiently(task, onAgain) {
      const submit = { ...requestOf(task), taskId: randomUUID() };
      return askPatiently(() => follow(next(), TaskService.method.runTask, { submit }), onAgain);
    },
    watch(taskId, watcher) {
      const request = { taskId, afterSequence: watcher.after ?? 0n };
      return follow(next(), TaskService.method.watchTask, request, watcher);
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
    },
  };
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
        ended = tellWatcher(watcher, update) ?? ended;
      })
      .on("error", reject)
      .on("end", () => {
        if (ended) resolve(ended);
        else reject(noEnd());
      });
  });
}

function wire<Method extends DescMethod>({ parent, name, input, output }: Method) {
  return {
    path: `/${parent.typeName}/${name}`,
    serialize: (request: MessageInitShape<Method["input"]>) =>
      Buffer.from(toBinary(input, create(input, request))),
    deserialize: (bytes: Buffer) => fromBinary(output, bytes) as MessageShape<Method["output"]>,
  };
}
