import type { NatsConnection } from "@nats-io/nats-core";
import type { Broker } from "#lib/broker/broker.ts";

/** What a process writes to the broker, by where it goes; what it asks there changes nothing. */
const WRITES: readonly (readonly [kind: string, subject: RegExp])[] = [
  ["spec", /^mr\.task\.[^.]+\.spec$/],
  ["state", /^mr\.task\.[^.]+\.state$/],
  ["entry", /^mr\.queue\./],
  ["plan", /^mr\.schedule\./],
  ["limit", /^mr\.limit\./],
  ["cancel hint", /^mr\.control\.cancel\./],
  ["hint of a new lane", /^mr\.control\.lane\./],
  ["hint that room is wanted", /^mr\.control\.room\./],
  ["hint of who leaves", /^mr\.control\.left$/],
  ["acknowledgement", /^\$JS\.ACK\./],
  ["removed message", /^\$JS\.API\.STREAM\.MSG\.DELETE\./],
  ["room of the log", /^\$JS\.API\.STREAM\.UPDATE\.MR_EVENTS$/],
  ["bucket", /^\$JS\.API\.STREAM\.CREATE\.KV_mr_config$/],
  ["setting", /^\$KV\.mr_config\.queue\./],
  ["task type", /^\$KV\.mr_config\.task-type\./],
  ["limits of a queue", /^\$JS\.API\.STREAM\.UPDATE\.MR_QUEUE_/],
  ["lane", /^\$JS\.API\.CONSUMER\.(DURABLE\.)?CREATE\.MR_QUEUE_/],
  ["pause of a lane", /^\$JS\.API\.CONSUMER\.PAUSE\.MR_QUEUE_/],
];

export const WRITE_KINDS = WRITES.map(([kind]) => kind);

/** A consumer of the log is a place in a walk, which ends with the process. */
const QUESTIONS =
  /^(\$JS\.API\.(INFO|STREAM\.(INFO|NAMES|MSG\.GET)|CONSUMER\.(INFO|LIST|MSG\.NEXT|(CREATE|DELETE)\.MR_EVENTS)|DIRECT\.GET)|_INBOX)/;

type Doomed = Pick<Broker, "link">;

/** A process that stops dead before one of its writes; unless it has no such write. */
export class Crash {
  /** The kinds of its writes until then. */
  readonly writes: string[] = [];
  readonly #before: number;
  readonly #crashed = Promise.withResolvers<false>();
  #isOver = false;

  /** `before`: how many writes it gets through. */
  constructor({ link }: Doomed, before = Number.POSITIVE_INFINITY) {
    this.#before = before;
    const { nc } = link.use();
    this.#stop(nc, "publish", () => undefined);
    this.#stop(nc, "request", () => new Promise(() => {}));
    this.#stop(nc, "requestMany", () => new Promise(() => {}));
  }

  /** Resolves when the process has stopped, or when it has done all that it wanted to; and says whether it has. */
  orDone(act: Promise<unknown>): Promise<boolean> {
    const done = act.then(
      () => true,
      () => false,
    );
    return Promise.race([this.#crashed.promise, done]);
  }

  #stop(nc: NatsConnection, method: "publish" | "request" | "requestMany", never: () => unknown) {
    const real: unknown = Reflect.get(nc, method);
    if (typeof real !== "function") throw new Error(`${method} is no method`);
    Reflect.set(nc, method, (subject: string, ...rest: unknown[]) => {
      const isAllowed = !this.#isOver && this.#passes(subject);
      return isAllowed ? Reflect.apply(real, nc, [subject, ...rest]) : never();
    });
  }

  #passes(subject: string): boolean {
    if (QUESTIONS.test(subject)) return true;
    const [kind] = WRITES.find(([, pattern]) => pattern.test(subject)) ?? [];
    if (kind === undefined) {
      const unknown = new Error(`a write to ${subject} is of no kind that is known here`);
      this.#crashed.reject(unknown);
      throw unknown;
    }
    this.#isOver = this.writes.length === this.#before;
    if (this.#isOver) this.#crashed.resolve(false);
    else this.writes.push(kind);
    return !this.#isOver;
  }
}
