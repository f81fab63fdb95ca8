import { StartupError } from "#lib/process/startup-error.ts";

/** Thrown when the broker can't be used as it is, and waiting will not help; the message says what to do. */
export class BrokerUnfit extends StartupError {
  override name = "BrokerUnfit";
}
