import { create } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { KeepAliveSchema, TaskService } from "#gen/millrace/v1/task_service_pb.ts";
import type { Door } from "#lib/rpc/door.ts";
import { Stage } from "./stage.ts";

/** A client, and the door that it is for. */
export interface Contestant {
  readonly openDoor: (stage: Stage, leaveGraceMs?: number) => Promise<Door>;
  readonly transport: (port: number) => Transport & Partial<Disposable>;
}

/** A client that has to be hung up. */
export interface Caller extends Disposable {
  readonly tasks: Client<typeof TaskService>;
  readonly transport: Transport;
}

/** A stage with an open door, and a client in front of it. */
export class Scene {
  readonly stage = new Stage();
  readonly #contestant: Contestant;
  #door: Door | undefined;
  #caller: Caller | undefined;

  constructor(contestant: Contestant) {
    this.#contestant = contestant;
  }

  async open(): Promise<void> {
    this.#door = await this.openDoor();
    this.#caller = this.callerOf(this.#door.port);
  }

  async close(): Promise<void> {
    this.#caller?.[Symbol.dispose]();
    await this.#door?.leave();
  }

  get door(): Door {
    if (this.#door === undefined) throw new Error("the scene is not open");
    return this.#door;
  }

  get caller(): Caller {
    if (this.#caller === undefined) throw new Error("the scene is not open");
    return this.#caller;
  }

  get tasks(): Client<typeof TaskService> {
    return this.caller.tasks;
  }

  /** Another door in front of the same stage. */
  openDoor(leaveGraceMs?: number): Promise<Door> {
    return this.#contestant.openDoor(this.stage, leaveGraceMs);
  }

  callerOf(port: number): Caller {
    const transport = this.#contestant.transport(port);
    const tasks = createClient(TaskService, transport);
    return { transport, tasks, [Symbol.dispose]: () => transport[Symbol.dispose]?.() };
  }
}

/** A message of a watch. */
export const KEEP_ALIVE = {
  update: { kind: { case: "keepAlive", value: create(KeepAliveSchema) } },
} as const;

/** What the call failed with. */
export async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConnectError) return error;
  throw new Error("the call did not fail with a ConnectError", { cause: error });
}

/** Reads the stream to its end. */
export async function drain(stream: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of stream) count++;
  return count;
}
