import {
  type ConsumerConfig,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
} from "@nats-io/jetstream";
import { BrokerUnfit } from "./broker-unfit.ts";
import type { StreamPlan } from "./topology.ts";

/** Makes sure that the streams and their consumers are there and are what we asked for. Changes what differs. */
export async function ensure(jsm: JetStreamManager, plans: readonly StreamPlan[]): Promise<void> {
  for (const { config, consumers } of plans) {
    await ensureStream(jsm, config);
    for (const consumer of consumers) await ensureConsumer(jsm, config.name, consumer);
  }
}

async function ensureStream(jsm: JetStreamManager, wanted: StreamPlan["config"]): Promise<void> {
  const found = await orMissing(jsm.streams.info(wanted.name), JetStreamApiCodes.StreamNotFound);
  if (found && differing(wanted, found.config).length === 0) return;
  const { config } = await understood(
    wanted.name,
    found ? jsm.streams.update(wanted.name, wanted) : jsm.streams.add(wanted),
  );
  refuseIgnored(wanted.name, wanted, config);
}

async function ensureConsumer(
  jsm: JetStreamManager,
  stream: string,
  wanted: StreamPlan["consumers"][number],
): Promise<void> {
  const name = wanted.durable_name;
  const found = await orMissing(
    jsm.consumers.info(stream, name),
    JetStreamApiCodes.ConsumerNotFound,
  );
  if (found && differing(wanted, found.config).length === 0) return;
  const { config } = await understood(
    `${stream}/${name}`,
    found ? jsm.consumers.update(stream, name, wanted) : jsm.consumers.add(stream, wanted),
  );
  refuseIgnored(`${stream}/${name}`, wanted, config);
}

/** The answer says what the server has stored: one that does not know a setting may drop it in silence. */
function refuseIgnored(what: string, wanted: Config, stored: Config): void {
  const ignored = differing(wanted, stored);
  if (ignored.length > 0) throw unfit(what, `it ignored ${ignored.join(", ")}`);
}

type Config = Partial<StreamConfig> | Partial<ConsumerConfig>;

/** Names of the settings that are not as wanted. */
function differing(wanted: Config, found: Config): string[] {
  const actual = new Map<string, unknown>(Object.entries(found));
  return Object.entries(wanted)
    .filter(([key, value]) => JSON.stringify(actual.get(key)) !== JSON.stringify(value))
    .map(([key]) => key);
}

async function orMissing<T>(answer: Promise<T>, code: number): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === code) return undefined;
    throw error;
  }
}

/** A refusal by the JetStream API is about what we asked for; another try gets the same answer. */
async function understood<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw isFinal(error) ? unfit(what, `it answered: ${messageOf(error)}`, error) : error;
  }
}

/** Too few servers of a cluster are up; they may come. */
const NO_SUITABLE_PEERS = 10_005;

function isFinal(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError) || error.code === NO_SUITABLE_PEERS) return false;
  return error.status === 400 || error.status === 500;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unfit(what: string, why: string, cause?: unknown): BrokerUnfit {
  return new BrokerUnfit(
    `nats-server can't hold ${what} as the settings want it: ${why}. ` +
      "Check its JetStream limits, MILLRACE_REPLICAS and the *_MAX_BYTES settings.",
    { cause },
  );
}
