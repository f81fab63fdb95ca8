import { type Setting, valueIn } from "#lib/process/setting.ts";
import { SETTINGS } from "#lib/process/settings.ts";
import { joinAddress } from "#lib/rpc/listen.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";
import { freePort, isFree } from "./free-port.ts";

/** A port that the system listens on, and how whoever starts it chooses another one. */
export interface Door {
  readonly host: string;
  readonly port: number;
  readonly what: string;
  readonly chosenBy: string;
}

/** Where the system listens. */
export interface Doors {
  readonly gatewayGrpc: Door;
  readonly gatewayHttp: Door;
  readonly monitorGrpc: Door;
  readonly monitorHttp: Door;
  /** One for each worker. */
  readonly workers: readonly Door[];
}

/** Addresses that mean "every address of this machine", and one of them that can be called. */
const CALLABLE: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Where it can be called from this machine. */
export function addressOf({ host, port }: Door): string {
  return joinAddress(CALLABLE[host] ?? host, port);
}

/** Where it listens. */
export function boundTo({ host, port }: Door): string {
  return joinAddress(host, port);
}

/** The doors that the services' own settings ask for; 0 stands for a free port, which is chosen here. */
export async function doorsOf(env: NodeJS.ProcessEnv, workers: number): Promise<Doors> {
  const host = valueIn(env, SETTINGS.host);
  const door = async (setting: Setting<number>, what: string, wanted?: number): Promise<Door> => ({
    host,
    port: (wanted ?? valueIn(env, setting)) || (await freePort(host)),
    what,
    chosenBy: setting.env,
  });
  const { gatewayGrpcPort, gatewayHttpPort, monitorGrpcPort, monitorHttpPort } = SETTINGS;
  const { workerHttpPort } = SETTINGS;
  return {
    gatewayGrpc: await door(gatewayGrpcPort, "gateway's gRPC"),
    gatewayHttp: await door(gatewayHttpPort, "gateway's Connect"),
    monitorGrpc: await door(monitorGrpcPort, "monitor's gRPC"),
    monitorHttp: await door(monitorHttpPort, "monitor's page"),
    // The setting says where the first one listens; for the others, any port will do.
    workers: await Promise.all(
      Array.from({ length: workers }, (_, index) =>
        door(workerHttpPort, "worker's health", index === 0 ? undefined : 0),
      ),
    ),
  };
}

/** Settings under which every door is on a free port. */
export const FREE_PORTS: NodeJS.ProcessEnv = {
  MILLRACE_GATEWAY_GRPC_PORT: "0",
  MILLRACE_GATEWAY_HTTP_PORT: "0",
  MILLRACE_MONITOR_GRPC_PORT: "0",
  MILLRACE_MONITOR_HTTP_PORT: "0",
  MILLRACE_WORKER_HTTP_PORT: "0",
};

/** The settings, with a free port for each door whose port they do not name. */
export function withFreePorts(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const unset = Object.entries(FREE_PORTS).filter(([name]) => !env[name]);
  return { ...env, ...Object.fromEntries(unset) };
}

/** Refuses to start where something else listens, and says what to do about it. */
export async function refuseTaken(doors: readonly Door[]): Promise<void> {
  const free = await Promise.all(
    doors.map(({ host, port, chosenBy }) => isFree(host, port, chosenBy)),
  );
  const taken = doors.filter((_, index) => !free[index]);
  if (taken.length === 0) return;
  const ports = taken.map(({ port, what, chosenBy }) => `${port} (${what}; set ${chosenBy})`);
  const guess = taken.length === doors.length ? "; a Millrace seems to run here already" : "";
  const text = `other programs listen on ${ports.join(", ")}; stop them or choose other ports: --ports auto takes free ones${guess}`;
  throw new CliError(text, { exitCode: ExitCode.FAILED });
}

export function everyDoor({ workers, ...others }: Doors): readonly Door[] {
  return [...Object.values(others), ...workers];
}
