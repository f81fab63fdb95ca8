import { format, inspect } from "node:util";
import { Command, Option } from "commander";
import { pino } from "pino";
import { expect, test } from "vitest";
import { natsServers } from "#lib/process/nats-server.ts";
import { Secret, secret } from "#lib/process/secret.ts";

function logged(fields: object): string {
  let lines = "";
  pino({}, { write: (line: string) => (lines += line) }).info(fields, "starting");
  return lines;
}

function helpWithDefault(value: unknown): string {
  return new Command().addOption(new Option("--token <value>").default(value)).helpInformation();
}

test.each([
  ["a secret", new Secret("s3cret")],
  ["a server with a password", natsServers("nats://me:s3cret@host")],
  ["a server with a token", natsServers("nats://s3cret@host,tls://s3cret@other")],
])("%s does not show, however it is printed", (_, value) => {
  const settings = { deep: { in: [value] } };
  const prints = [
    String(value),
    `${value}`,
    JSON.stringify(settings),
    inspect(settings, { depth: null, showHidden: true }),
    format("%s %o %O %j", value, value, value, value),
    logged(settings),
    helpWithDefault(value),
    new Error(`refused: ${value}`).stack,
  ];
  for (const print of prints) {
    expect(print).toContain("***");
    expect(print).not.toContain("s3cret");
  }
});

test("a secret is revealed to the call that asks for it", () => {
  expect(secret(" s3cret\n").reveal()).toBe("s3cret");
});

test("a secret of two lines, or of none, is refused without being quoted", () => {
  for (const wrong of ["s3cret\ns3cret", " ", "s3\u0000"]) {
    expect(() => secret(wrong)).toThrow(/^must be one line of text, without control characters$/);
  }
});
