import type { PeerCertificate } from "node:tls";
import { expect, test } from "vitest";
import { identityAmong } from "#lib/broker/link/server-identity.ts";
import { natsServers } from "#lib/process/nats-server.ts";

/** As much of a certificate as a name is looked for in. */
function certificateOf(subjectaltname: string): PeerCertificate {
  return { subject: { CN: "NATS" }, subjectaltname } as PeerCertificate;
}

// Node asks for "localhost" where the client called an address.
test.each([
  ["tls://10.0.0.1:4222", "localhost", "IP Address:10.0.0.1", true],
  ["tls://[fd00::1]:4222", "localhost", "IP Address:FD00:0:0:0:0:0:0:1", true],
  ["tls://nats.example,tls://10.0.0.1", "localhost", "IP Address:10.0.0.1", true],
  ["tls://nats.example", "nats.example", "DNS:nats.example", true],
  ["tls://localhost", "localhost", "DNS:localhost", true],
  ["tls://10.0.0.1", "localhost", "IP Address:10.0.0.2", false],
  ["tls://10.0.0.1", "localhost", "DNS:localhost", false],
  ["tls://nats.example,tls://10.0.0.1", "nats.example", "IP Address:10.0.0.1", false],
])("%s, asked as %s, with a certificate of %s: %s", (servers, host, names, isRight) => {
  const error = identityAmong(natsServers(servers))(host, certificateOf(names));
  expect(error === undefined).toBe(isRight);
});
