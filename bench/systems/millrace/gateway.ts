import { fileURLToPath } from "node:url";
import { nowMs } from "../../clock.ts";
import { Child } from "../../processes/child.ts";
import { untilReady } from "./until-ready.ts";

const MAIN = fileURLToPath(new URL("../../../services/gateway/main.ts", import.meta.url));

interface Addresses {
  /** `host:port` */
  readonly grpc: string;
  /** A URL. */
  readonly connect: string;
}

/** A gateway on ports of its own, which can be started again there. */
export class Gateway implements AsyncDisposable {
  readonly addresses: Addresses;
  readonly #env: NodeJS.ProcessEnv;
  #child: Child;

  private constructor(child: Child, addresses: Addresses, env: NodeJS.ProcessEnv) {
    this.#child = child;
    this.addresses = addresses;
    this.#env = env;
  }

  static async start(env: NodeJS.ProcessEnv): Promise<Gateway> {
    await using stack = new AsyncDisposableStack();
    const child = stack.use(await launch(env));
    const [, grpc = "", connect = ""] = await child.printed(
      /"grpc":"([^"]+)","connect":"([^"]+)".*"gateway is up"/,
    );
    await untilReady(child, connect);
    stack.move();
    return new Gateway(child, { grpc, connect }, env);
  }

  get process(): Child {
    return this.#child;
  }

  /** Kills it, and resolves when it is ready again at its addresses, with when it was killed. */
  async restart(): Promise<number> {
    const { grpc, connect } = this.addresses;
    const killedAtMs = nowMs();
    await this.#child[Symbol.asyncDispose]();
    this.#child = await launch({
      ...this.#env,
      MILLRACE_GATEWAY_GRPC_PORT: new URL(`http://${grpc}`).port,
      MILLRACE_GATEWAY_HTTP_PORT: new URL(connect).port,
    });
    await untilReady(this.#child, connect);
    return killedAtMs;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }
}

function launch(env: NodeJS.ProcessEnv): Promise<Child> {
  return Child.start({ role: "gateway", command: process.execPath, args: [MAIN], env });
}
