/*
 * The verbs of BullMQ, ioredis and fastify that are used here. Theirs are not installed where only the product is, and the
 * static gate says the same with and without them.
 */

declare module "bullmq" {
  interface Options {
    readonly connection: { readonly port: number };
  }

  interface JobOptions {
    readonly jobId?: string;
    readonly delay?: number;
  }

  export interface Job<Data = unknown> {
    readonly id?: string;
    readonly data: Data;
    updateProgress(progress: object): Promise<void>;
    getState(): Promise<string>;
    readonly returnvalue: unknown;
  }

  export class Queue<Data = unknown> {
    constructor(name: string, options: Options);
    add(name: string, data: Data, options?: JobOptions): Promise<Job<Data>>;
    addBulk(
      jobs: readonly {
        readonly name: string;
        readonly data: Data;
        readonly opts?: JobOptions;
      }[],
    ): Promise<Job<Data>[]>;
    getJob(id: string): Promise<Job<Data> | undefined>;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  }

  export class QueueEvents {
    constructor(name: string, options: Options & { readonly lastEventId: string });
    on(event: "progress", listener: (told: { jobId: string; data: unknown }) => void): this;
    on(event: "completed", listener: (told: { jobId: string; returnvalue: unknown }) => void): this;
    on(event: "failed", listener: (told: { jobId: string; failedReason: string }) => void): this;
    on(event: "error", listener: (error: Error) => void): this;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  }

  export class Worker<Data = unknown> {
    constructor(
      name: string,
      processor: (job: Job<Data>) => Promise<unknown>,
      options: Options & { readonly concurrency: number },
    );
    on(event: "error", listener: (error: Error) => void): this;
    waitUntilReady(): Promise<unknown>;
  }
}

declare module "ioredis" {
  export class Redis {
    constructor(options: { readonly port: number });
    call(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
    info(section: string): Promise<string>;
    disconnect(): void;
  }
}

declare module "fastify" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  interface Request<Body, Params> {
    readonly body: Body;
    readonly params: Params;
    readonly raw: IncomingMessage;
  }

  interface Reply {
    readonly raw: ServerResponse;
    hijack(): void;
    code(status: number): this;
  }

  interface Server {
    post<Body>(
      path: string,
      handler: (request: Request<Body, unknown>, reply: Reply) => Promise<unknown>,
    ): void;
    get<Params>(
      path: string,
      handler: (request: Request<unknown, Params>, reply: Reply) => Promise<unknown>,
    ): void;
    listen(options: { readonly port: number; readonly host: string }): Promise<string>;
  }

  export function fastify(): Server;
}
