import {
  type ConsumerConfig,
  type ConsumerInfo,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { errorMessage } from "#lib/task/error-message.ts";
import { BrokerUnfit } from "../link/broker-unfit.ts";
import type { Dialed } from "../link/link.ts";
import { orUndefined } from "../link/or-undefined.ts";
import { ensurePaused, PAUSED, PauseIgnored } from "../queues/pausing.ts";
import type { StreamPlan } from "./topology.ts";
import { CONSUMER_UNSET, isUnset, STREAM_UNSET, unsetting } from "./unset.ts";

/**
 * Makes sure that the streams and their consumers are there and are what we asked for. Changes what differs. All at once:
 * a cluster that has just lost a server may take up to 10 s to choose a leader for each of them.
 */
export async function ensure(dialed: Dialed, plans: readonly StreamPlan[]): Promise<void> {
  const ensured = plans.map(async (plan) => {
    await ensureStream(dialed.jsm, plan.config);
    await ensureConsumers(dialed, plan);
  });
  await allDone(ensured);
}

/** Waits for all of them, and fails as the first one in their order did: it says most of what is wrong. */
export async function allDone(steps: readonly Promise<unknown>[]): Promise<void> {
  const ends = await Promise.allSettled(steps);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}

/** The same for the consumers alone, of a stream that is there. */
export async function ensureConsumers(dialed: Dialed, plan: ConsumersPlan): Promise<void> {
  await allDone(plan.consumers.map((consumer) => ensureConsumer(dialed, plan, consumer)));
}

type ConsumersPlan = Omit<StreamPlan, "config"> & { readonly config: { readonly name: string } };

/** Others may change the same stream at the same time; but not as often as this, in a row. */
const MAX_TRIES = 20;
const STREAM_NAME_IN_USE = 10_058;

async function ensureStream(jsm: JetStreamManager, wanted: StreamPlan["config"]): Promise<void> {
  let different: string[] = [];
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { streams } = jsm;
    const found = await orUndefined(streams.info(wanted.name), JetStreamApiCodes.StreamNotFound);
    different = found ? differing(wanted, found.config, STREAM_UNSET) : [];
    if (found && different.length === 0) return;
    if (found) await changeStream(jsm, wanted);
    else await addStream(jsm, wanted);
  }
  throw unfit(wanted.name, `it ignored ${different.join(", ")}`);
}

async function addStream(jsm: JetStreamManager, wanted: StreamPlan["config"]): Promise<void> {
  const added = orUndefined(jsm.streams.add(wanted), STREAM_NAME_IN_USE);
  refuseDropped(wanted, await understood(wanted.name, added));
}

/** Changes a stream that is there, once: nothing keeps somebody else from changing it again. */
export async function changeStream(
  jsm: JetStreamManager,
  wanted: StreamPlan["config"],
): Promise<void> {
  const changed = jsm.streams.update(wanted.name, { ...unsetting(STREAM_UNSET), ...wanted });
  refuseDropped(wanted, await understood(wanted.name, changed));
}

/** A server that does not know a setting may drop it in silence. One that has another value got it from somebody else. */
function refuseDropped(wanted: StreamPlan["config"], stored: StreamInfo | undefined): void {
  if (!stored) return;
  const dropped = differing(wanted, stored.config).filter((key) => !(key in stored.config));
  if (dropped.length > 0) throw unfit(wanted.name, `it ignored ${dropped.join(", ")}`);
}

type Consumer = StreamPlan["consumers"][number];

/** One whose files were lost under a running server goes on in its memory, but can't be changed. A new one has new files. */
async function ensureConsumer(
  dialed: Dialed,
  plan: ConsumersPlan,
  wanted: Consumer,
): Promise<void> {
  try {
    await ensureConsumerAsIs(dialed, plan, wanted);
  } catch (error) {
    if (!isOfFiles(error) && !(error instanceof PauseIgnored)) throw error;
    await dropConsumer(dialed.jsm, plan.config.name, wanted.durable_name);
    await ensureConsumerAsIs(dialed, plan, wanted);
  }
}

async function ensureConsumerAsIs(
  dialed: Dialed,
  { config, paused, mayResume }: ConsumersPlan,
  wanted: Consumer,
): Promise<void> {
  const info = await madeConsumer(dialed.jsm, config.name, wanted, paused);
  refuseIgnored(`${config.name}/${info.name}`, wanted, info.config);
  if (paused === undefined) return;
  const resumes = info.paused === true && !paused;
  if (resumes && mayResume && !(await mayResume())) return;
  await ensurePaused(dialed, info, paused);
}

async function madeConsumer(
  jsm: JetStreamManager,
  stream: string,
  wanted: Consumer,
  paused = false,
): Promise<ConsumerInfo> {
  const name = wanted.durable_name;
  const found = await dropMisled(jsm, wanted, await consumerInfo(jsm, stream, name));
  if (found && differing(wanted, found.config, CONSUMER_UNSET).length === 0) return found;
  // Born paused: it must not hand out anything in between.
  const born = paused ? { ...wanted, ...PAUSED } : wanted;
  return understood(
    `${stream}/${name}`,
    found
      ? jsm.consumers.update(stream, name, { ...unsetting(CONSUMER_UNSET), ...wanted })
      : addConsumer(jsm, stream, born),
  );
}

const CONSUMER_EXISTS = 10_148;

/**
 * The server makes no consumer over damaged files of an earlier one, and does not remove them. In memory it does without
 * them until it restarts; what must outlive that lies in the stream.
 */
async function addConsumer(
  jsm: JetStreamManager,
  stream: string,
  wanted: Consumer,
): Promise<ConsumerInfo> {
  try {
    return await jsm.consumers.add(stream, wanted);
  } catch (error) {
    // Somebody else may have just done the same.
    const isThere = error instanceof JetStreamApiError && error.code === CONSUMER_EXISTS;
    if (!isOfFiles(error) && !isThere) throw error;
    return await jsm.consumers.add(stream, { ...wanted, mem_storage: true });
  }
}

/** The server has several codes for it, of which one stands for much else. */
function isOfFiles(error: unknown): boolean {
  const refusal = error instanceof BrokerUnfit ? error.cause : error;
  const said = "error creating store for consumer";
  return refusal instanceof JetStreamApiError && refusal.message.startsWith(said);
}

function consumerInfo(
  jsm: JetStreamManager,
  stream: string,
  name: string,
): Promise<ConsumerInfo | undefined> {
  return orUndefined(jsm.consumers.info(stream, name), JetStreamApiCodes.ConsumerNotFound);
}

/**
 * A consumer whose filter was changed has passed over what that did not match, and will not hand it out when the filter
 * is put right. A new one begins with the oldest. What is on loan is then delivered again, and the log knows of it.
 */
async function dropMisled(
  jsm: JetStreamManager,
  wanted: Consumer,
  found: ConsumerInfo | undefined,
): Promise<ConsumerInfo | undefined> {
  if (!found || found.config.filter_subject === wanted.filter_subject) return found;
  await dropConsumer(jsm, found.stream_name, found.name);
  return undefined;
}

async function dropConsumer(jsm: JetStreamManager, stream: string, name: string): Promise<void> {
  await orUndefined(jsm.consumers.delete(stream, name), JetStreamApiCodes.ConsumerNotFound);
}

/** The answer says what the server has stored: one that does not know a setting may drop it in silence. */
function refuseIgnored(what: string, wanted: Config, stored: Config): void {
  const ignored = differing(wanted, stored);
  if (ignored.length > 0) throw unfit(what, `it ignored ${ignored.join(", ")}`);
}

type Config = Partial<StreamConfig> | Partial<ConsumerConfig>;

/** Names of the settings that are not as wanted, and of those that are set though nobody wants them. */
function differing(wanted: Config, found: Config, unset: readonly string[] = []): string[] {
  const actual = new Map<string, unknown>(Object.entries(found));
  const other = Object.entries(wanted)
    .filter(([key, value]) => JSON.stringify(actual.get(key)) !== JSON.stringify(value))
    .map(([key]) => key);
  return [...other, ...unset.filter((key) => !(key in wanted || isUnset(actual.get(key))))];
}

/** A refusal by the JetStream API is about what we asked for; another try gets the same answer. */
async function understood<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw isFinal(error) ? unfit(what, `it answered: ${errorMessage(error)}`, error) : error;
  }
}

/** Too few servers of a cluster are up; they may come. */
const NO_SUITABLE_PEERS = 10_005;

function isFinal(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError) || error.code === NO_SUITABLE_PEERS) return false;
  return error.status === 400 || error.status === 500;
}

function unfit(what: string, why: string, cause?: unknown): BrokerUnfit {
  return new BrokerUnfit(
    `nats-server can't hold ${what} as the settings want it: ${why}. ` +
      "Check its JetStream limits, MILLRACE_REPLICAS and the *_MAX_BYTES settings.",
    { cause },
  );
}
