/** What a person has to see to before nats-server can be found or started; the message says how. */
export type NatsServerProblem =
  | "not-found"
  | "not-a-nats-server"
  | "too-old"
  | "changed"
  | "port-in-use"
  | "store-not-writable"
  | "did-not-start";

/** Thrown when there is no nats-server to run, or when it would not start. */
export class NatsServerError extends Error {
  override name = "NatsServerError";
  readonly problem: NatsServerProblem;

  constructor(message: string, options: ErrorOptions & { readonly problem: NatsServerProblem }) {
    super(message, options);
    this.problem = options.problem;
  }
}
