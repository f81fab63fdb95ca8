import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { bareAddress } from "#lib/process/host-name.ts";
import type { NatsServer } from "#lib/process/nats-server.ts";

/** What Node takes a server for of which the client does not say what it called: it only tells names, no addresses. */
const NOT_TOLD = "localhost";

/** Says by a certificate whether a server is the one that was called, or one of those that may have been. */
export function identityAmong(servers: readonly NatsServer[]) {
  const hosts = servers.map(({ url }) => bareAddress(new URL(url).hostname));
  return (host: string, certificate: PeerCertificate): Error | undefined => {
    const called = host === NOT_TOLD ? hosts : [host];
    const errors = called.map((name) => checkServerIdentity(name, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
}
