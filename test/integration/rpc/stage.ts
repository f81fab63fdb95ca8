import { createMutableRegistry, type MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { pino } from "pino";
import {
  type GetTaskResponseSchema,
  TaskService,
  type WatchTaskResponseSchema,
} from "#gen/millrace/v1/task_service_pb.ts";
import type { Log } from "#lib/process/log.ts";
import type { DoorOptions } from "#lib/rpc/door.ts";
import type { Services } from "#lib/rpc/services.ts";

type GetAct = (context: HandlerContext) => MessageInitShape<typeof GetTaskResponseSchema>;
type Get = (...given: Parameters<GetAct>) => ReturnType<GetAct> | Promise<ReturnType<GetAct>>;
type Watch = (
  context: HandlerContext,
) => AsyncIterable<MessageInitShape<typeof WatchTaskResponseSchema>>;

/** A TaskService whose handlers are what a test says, by task id, and the log of the doors in front of it. */
export class Stage {
  readonly registry = createMutableRegistry();
  readonly lines: Record<string, unknown>[] = [];
  readonly log: Log;
  readonly #gets = new Map<string, Get>();
  readonly #watches = new Map<string, Watch>();
  readonly #logged = new Set<() => void>();

  constructor() {
    const write = (line: string) => {
      this.lines.push(JSON.parse(line));
      for (const wake of this.#logged) wake();
    };
    this.log = pino({ level: "debug" }, { write });
  }

  get services(): Services {
    return {
      registry: () => this.registry,
      routes: (router) =>
        router.service(TaskService, {
          submitTask: ({ taskId, spec }) => ({ task: { id: taskId, ...(spec && { spec }) } }),
          getTask: ({ taskId }, context) =>
            this.#gets.get(taskId)?.(context) ?? { task: { id: taskId } },
          watchTask: ({ taskId }, context) => this.#watches.get(taskId)?.(context) ?? nothing(),
        }),
    };
  }

  get options(): DoorOptions {
    const { services, log } = this;
    return { host: "127.0.0.1", port: 0, services, log, leaveGraceMs: 10_000 };
  }

  onGet(taskId: string, act: Get): void {
    this.#gets.set(taskId, act);
  }

  onWatch(taskId: string, act: Watch): void {
    this.#watches.set(taskId, act);
  }

  /** Resolves with the first log line, past or to come, that the test is looking for. */
  async logged(wanted: (line: Record<string, unknown>) => boolean): Promise<object> {
    for (;;) {
      const found = this.lines.find(wanted);
      if (found !== undefined) return found;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#logged.add(resolve);
      await promise;
      this.#logged.delete(resolve);
    }
  }
}

async function* nothing(): AsyncGenerator<never> {}
