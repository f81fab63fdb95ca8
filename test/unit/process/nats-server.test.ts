import { expect, test } from "vitest";
import { type NatsCredentials, natsServers } from "#lib/process/nats-server.ts";

function told(credentials: NatsCredentials | undefined) {
  if (!credentials) return undefined;
  if ("token" in credentials) return { token: credentials.token.reveal() };
  return { user: credentials.user, password: credentials.password.reveal() };
}

test.each([
  ["127.0.0.1", "nats://127.0.0.1:4222", undefined],
  ["Nats:4223", "nats://nats:4223", undefined],
  ["tls://nats.example/", "tls://nats.example:4222", undefined],
  ["nats://[::1]", "nats://[::1]:4222", undefined],
  ["ws://nats.internal:80", "ws://nats.internal:80", undefined],
  ["wss://nats.example/way", "wss://nats.example:443/way", undefined],
  ["nats://t%40ken@[::1]:1", "nats://[::1]:1", { token: "t@ken" }],
  ["nats://m%2Fe:p%25ss%2C@host", "nats://host:4222", { user: "m/e", password: "p%ss," }],
  ["wss://me:pass@host:8443", "wss://host:8443", { user: "me", password: "pass" }],
])("%s leads to %s", (given, url, credentials) => {
  const [server] = natsServers(given);
  expect(server?.url).toBe(url);
  expect(told(server?.credentials)).toEqual(credentials);
});

test("each server of a list has its own credentials", () => {
  const servers = natsServers("nats://a:1@one, nats://two ,nats://b@three");
  expect(servers.map(({ credentials }) => told(credentials))).toEqual([
    { user: "a", password: "1" },
    undefined,
    { token: "b" },
  ]);
  expect(servers.join(" ")).toBe("nats://a:***@one:4222 nats://two:4222 nats://***@three:4222");
});

test.each([
  [" , ", "must name at least one server"],
  ["http://host", "must begin with nats://, tls://, ws:// or wss://"],
  ["nats://host:65536", "with a port from 1 to 65535"],
  ["nats://host:0", "must have a port from 1 to 65535"],
  ["nats://host/way", "must have nothing after the port"],
  [";", "must have the name or the address of a host"],
  ["nats://a;b:4222", "must have the name or the address of a host"],
  ["nats://", "must be an address such as nats://host:4222"],
  ["::1", "must be an address"],
  ["nats://one,nats://two:x", "server 2 must be an address"],
  ["nats://one,ws://two", "must not mix WebSocket"],
  ["nats://:s3cret@host", "must have a user before the password"],
  ["nats://me:s3/cret@host", "must be percent-encoded"],
  ["nats://me:s3#cret@host", "must be percent-encoded"],
  ["nats://me:s3%cret@host", "must be percent-encoded"],
  ["ws://s3/cret@host", "must be percent-encoded"],
  ["nats://me:12,s3cret@host", "must be percent-encoded"],
])("%s is refused, and no password quoted", (given, why) => {
  expect(() => natsServers(given)).toThrow(why);
  expect(() => natsServers(given)).not.toThrow(/s3|cret/);
});
