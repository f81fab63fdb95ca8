import { fileURLToPath } from "node:url";
import { freePort } from "#cli/system/free-port.ts";
import type { RoleProcess } from "../../measure/meter.ts";
import { Child, type ChildOptions } from "../../processes/child.ts";
import { answers, until } from "../../processes/until.ts";

export type ServiceRole = "gateway" | "worker" | "monitor";

/** Where it is called; a worker and a monitor only by HTTP. */
export interface Doors {
  /** `host:port` */
  readonly grpc: string;
  /** A URL. */
  readonly connect: string;
}

interface Program {
  readonly main: string;
  /** What it prints once its doors are open. */
  readonly isUp: RegExp;
}

const PROGRAMS: Readonly<Record<ServiceRole, Program>> = {
  gateway: {
    main: fileURLToPath(new URL("../../../services/gateway/main.ts", import.meta.url)),
    isUp: /"grpc":"(?<grpc>[^"]+)","connect":"(?<http>[^"]+)".*"gateway is up"/,
  },
  worker: {
    main: fileURLToPath(new URL("./worker/main.ts", import.meta.url)),
    isUp: /"health":"(?<http>[^"]+)".*"worker is up"/,
  },
  monitor: {
    main: fileURLToPath(new URL("../../../services/monitor/main.ts", import.meta.url)),
    isUp: /"page":"(?<http>[^"]+)".*"monitor is up"/,
  },
};

interface ServiceOptions {
  readonly settings: NodeJS.ProcessEnv;
  /** What its program is given. */
  readonly args?: readonly string[];
}

/** A process of Millrace's own, on ports of its own, which can be killed and started again there. */
export class Service implements RoleProcess, AsyncDisposable {
  readonly role: ServiceRole;
  readonly #options: ChildOptions;
  #child: Child;

  private constructor(role: ServiceRole, options: ChildOptions, child: Child) {
    this.role = role;
    this.#options = options;
    this.#child = child;
  }

  static async start(role: ServiceRole, { settings, args = [] }: ServiceOptions): Promise<Service> {
    const options = {
      role,
      command: process.execPath,
      args: [PROGRAMS[role].main, ...args],
      env: { ...(await ports()), ...settings },
    };
    return new Service(role, options, await Child.start(options));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves once it can do its work; fails if it ends before. */
  async ready(): Promise<Doors> {
    const child = this.#child;
    const { groups = {} } = await child.printed(PROGRAMS[this.role].isUp);
    const { grpc = "", http: connect = "" } = groups;
    await until(`the ${this.role} is ready`, () => {
      child.throwIfExited();
      return answers(`${connect}/readyz`);
    });
    return { grpc, connect };
  }

  /** Kills it and starts it anew; resolves when it is ready. */
  async restart(): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    this.#child = await Child.start(this.#options);
    await this.ready();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }
}

/** Chosen by us, so that a process is found again where it was. */
async function ports(): Promise<NodeJS.ProcessEnv> {
  const port = async () => String(await freePort("127.0.0.1"));
  return {
    MILLRACE_GATEWAY_GRPC_PORT: await port(),
    MILLRACE_GATEWAY_HTTP_PORT: await port(),
    MILLRACE_WORKER_HTTP_PORT: "0",
    MILLRACE_MONITOR_GRPC_PORT: "0",
    MILLRACE_MONITOR_HTTP_PORT: "0",
    MILLRACE_LOG_FORMAT: "json",
  };
}
