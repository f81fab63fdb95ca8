import type { Server } from "@nats-io/nats-core";
import { expect, test } from "vitest";
import { ServerChoice } from "#lib/broker/link/server-choice.ts";

function server(listen: string, lastConnect = 0): Server {
  const rest = { hostname: "", port: 0, src: "", tlsName: "", reconnects: 0 };
  return { ...rest, listen, lastConnect, gossiped: false, didConnect: true };
}

test("by default the client dials the server that is first in its pool", () => {
  expect(new ServerChoice().next([server("a:1"), server("b:1")])?.listen).toBe("a:1");
});

test("the next dial passes over a server, for the one that was not dialed for the longest time", () => {
  const choice = new ServerChoice();
  const pool = [server("a:1", 1), server("b:1", 3), server("c:1", 2)];
  choice.passOver("a:1");
  expect(choice.next(pool)?.listen).toBe("c:1");
  expect(choice.next(pool)?.listen).toBe("a:1");
});

test("the only server is dialed again", () => {
  const choice = new ServerChoice();
  choice.passOver("a:1");
  expect(choice.next([server("a:1")])?.listen).toBe("a:1");
});
