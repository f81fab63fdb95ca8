import { type KV, Kvm } from "@nats-io/kv";
import { onAbort } from "#lib/async/abort.ts";
import { pause } from "#lib/async/pause.ts";
import { BrokerUnavailable } from "#lib/task/errors.ts";
import { ask } from "../link/ask.ts";
import { isWrongSequence } from "../link/is-wrong-sequence.ts";
import { keepRunning } from "../link/keep-running.ts";
import type { BrokerLog, Connected, Link } from "../link/link.ts";
import { type Grant, Term } from "./term.ts";

/** A lease that is not renewed for this long is anyone's. */
const LEASE_MS = 10_000;
/** So that one lost answer, with the 4 s that it takes to be given up, does not cost the lease. */
const RENEW_EVERY_MS = 3_000;

interface LeadershipOptions {
  readonly link: Link;
  readonly log: BrokerLog;
  readonly replicas: number;
  /** What is led: among all candidates of this name, one leads. */
  readonly name: string;
  /** Names this process; no other has the same. */
  readonly candidate: string;
}

type Lead = (signal: AbortSignal) => Promise<void>;

/** Where this process stands for leader. */
interface Race {
  readonly bucket: KV;
  readonly lost: AbortSignal;
  readonly lead: Lead;
}

/**
 * One leader among processes, by a lease in the broker. Mostly there is exactly one. There may be two for a moment, where
 * a process was frozen between looking at its clock and writing: what a leader does must bear being done twice.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  #term: Term | undefined;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  get isHeld(): boolean {
    return this.#term?.signal.aborted === false;
  }

  /**
   * Leads whenever no other candidate does, until the signal aborts; then gives the lease back. `lead` must end soon after
   * its own signal has aborted, which it does before the lease can be another's.
   */
  campaign(lead: Lead, signal: AbortSignal): Promise<void> {
    const { link, log, name } = this.#options;
    return keepRunning(link, {
      name: `lead ${name}`,
      log,
      signal,
      run: async (connected, until) => {
        const bucket = await this.#open(connected);
        await this.#run({ bucket, lost: connected.lost, lead }, until);
      },
    });
  }

  async #run(race: Race, until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      const grant = await this.#take(race.bucket);
      if (grant) await this.#serve(race, grant, until);
      await pause(RENEW_EVERY_MS, until);
    }
  }

  /** In a file, so that a broker that restarts does not offer the lease to all. */
  #open({ js, names }: Connected): Promise<KV> {
    const { replicas } = this.#options;
    return ask(new Kvm(js).create(names.leasesBucket, { history: 1, ttl: LEASE_MS, replicas }));
  }

  async #take(bucket: KV): Promise<Grant | undefined> {
    const { name, candidate } = this.#options;
    const found = await ask(bucket.get(name));
    // Our own, from before an outage or with a renewal whose answer was lost, we go on with.
    const isAnothers = found?.operation === "PUT" && found.string() !== candidate;
    return isAnothers ? undefined : this.#write(bucket, found?.revision ?? 0);
  }

  /** Undefined if the lease is another's by now. */
  async #write(bucket: KV, revision: number): Promise<Grant | undefined> {
    const { name, candidate } = this.#options;
    // The broker counts from when it stores the lease, which is later: ours ends first. And from a clock that nobody sets.
    const untilMs = performance.now() + LEASE_MS;
    try {
      const stored = await ask(bucket.put(name, candidate, { previousSeq: revision }));
      return { revision: stored, untilMs };
    } catch (error) {
      if (isWrongSequence(error)) return undefined;
      throw error;
    }
  }

  async #serve({ bucket, lost, lead }: Race, grant: Grant, until: AbortSignal): Promise<void> {
    const { log, name } = this.#options;
    using term = new Term(grant);
    using _ = onAbort(until, () => term.end());
    this.#term = term;
    log.info({ chore: name }, "leading");
    const renewing = this.#renew(bucket, term);
    try {
      await lead(term.signal);
    } finally {
      term.end();
      await renewing;
      log.info({ chore: name }, "leading no more");
      // With nobody there to give it to, it ends by itself; and what is another's by now is not deleted.
      const previousSeq = term.revision;
      if (!lost.aborted) await bucket.delete(name, { previousSeq }).catch(() => {});
    }
  }

  async #renew(bucket: KV, term: Term): Promise<void> {
    while (!term.signal.aborted) {
      await pause(RENEW_EVERY_MS, term.signal);
      if (term.signal.aborted) return;
      try {
        const grant = await this.#write(bucket, term.revision);
        if (grant) term.extend(grant);
        else term.end();
      } catch (error) {
        // What was not answered is asked again, until the time is up.
        if (!(error instanceof BrokerUnavailable)) term.end();
      }
    }
  }
}
