import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import pinned from "../../../deploy/nats-server.json" with { type: "json" };
import { NewMachine, NOBODY } from "./new-machine.ts";
import { type Answer, startReleaseSite } from "./release-site.ts";

const { version, floor, modules } = pinned;
const SERVER = `github.com/nats-io/nats-server/v2@v${version}` as keyof typeof modules;
const TOO_OLD = "2.9.10";

function kept(machine: NewMachine): string {
  return join(machine.cacheDir, version, "nats-server");
}

test("a machine without any downloads the release and keeps it", async () => {
  await using machine = await NewMachine.create();
  await using site = await startReleaseSite(machine.folder, version, inject("natsServerBin"));
  const found = await machine.find({ releaseBase: site.base });
  expect(found).toEqual({ bin: kept(machine), version, how: "release" });
  expect(machine.said).toContainEqual(expect.stringMatching(/^(\d+\.\d) of \1 MB$/));
  expect(await readdir(machine.cacheDir)).toEqual([version]);
});

test("an archive whose hash we know is held against that, and not against what its site says", async () => {
  await using machine = await NewMachine.create();
  const server = await machine.script("server", `echo "nats-server: v${version}"`);
  await using site = await startReleaseSite(machine.folder, version, server);
  const { archives, base: releaseBase } = site;
  const others = Object.fromEntries(Object.keys(archives).map((name) => [name, "0".repeat(64)]));
  await expect(machine.find({ releaseBase, archives: others })).rejects.toThrow(
    `but deploy/nats-server.json says ${"0".repeat(64)}`,
  );
  expect(await machine.find({ releaseBase, archives })).toMatchObject({ how: "release" });
  expect(site.asked.filter((file) => file.endsWith("SHA256SUMS"))).toEqual([]);
});

test.each([
  [
    "of another hash",
    { ...modules, [SERVER]: "h1:other" },
    `of h1:other, not of ${modules[SERVER]}`,
  ],
  ["that we do not name", { ...modules, "example.com/x@v1.0.0": "h1:x" }, "example.com/x@v1.0.0"],
  ["that it does not tell", {}, "does not say which modules"],
])("what Go built from a module %s is not run", async (_, built, said) => {
  await using machine = await NewMachine.create();
  await machine.installGo(version, "", built);
  await expect(machine.find()).rejects.toThrow(said);
  expect(await readdir(machine.cacheDir)).toEqual([]);
});

test("the proxy that HTTP_PROXY names stands between us and the site", async () => {
  await using machine = await NewMachine.create();
  const env = { HTTP_PROXY: NOBODY };
  const server = await machine.script("server", `echo "nats-server: v${version}"`);
  await using proxy = await startReleaseSite(machine.folder, version, server);
  await expect(machine.find({ releaseBase: proxy.base, env })).rejects.toThrow("ECONNREFUSED");
  expect(proxy.asked).toEqual([]);
});

interface Trouble {
  readonly trouble: string;
  readonly file: "archive" | "SHA256SUMS";
  readonly answer: Answer;
  readonly said: string;
}

const TROUBLES: readonly Trouble[] = [
  {
    trouble: "is not what was published",
    file: "archive",
    answer: (response, content) => response.end(content.toReversed()),
    said: "its checksum is",
  },
  {
    trouble: "has no published checksum",
    file: "SHA256SUMS",
    answer: (response) => response.end(""),
    said: "does not name it",
  },
  {
    trouble: "ends early",
    file: "archive",
    answer: (response, content) => response.end(content.subarray(1)),
    said: "its checksum is",
  },
  {
    trouble: "is cut off",
    file: "archive",
    answer(response, content) {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(1), () => response.destroy());
    },
    said: "other side closed",
  },
  {
    trouble: "is not there",
    file: "archive",
    answer: (response) => response.writeHead(404).end(),
    said: "404 Not Found",
  },
  {
    trouble: "never starts",
    file: "SHA256SUMS",
    answer: () => {},
    said: "Headers Timeout Error",
  },
  {
    trouble: "stalls",
    file: "archive",
    answer(response, content) {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(1));
    },
    said: "Body Timeout Error",
  },
];

test.for(TROUBLES)(
  "a download that $trouble is given up, with the reason, and Go builds instead",
  async (trouble) => {
    await using machine = await NewMachine.create();
    const server = await machine.script("server", `echo "nats-server: v${version}"`);
    await using site = await startReleaseSite(machine.folder, version, server);
    site.misbehave(trouble.file, trouble.answer);
    await machine.installGo(version);
    const found = await machine.find({ releaseBase: site.base, stallTimeoutMs: 200 });
    expect(found).toEqual({ bin: kept(machine), version, how: "go" });
    expect(machine.said).toContainEqual(expect.stringContaining(trouble.said));
    expect(await readdir(machine.cacheDir)).toEqual([version]);
  },
);

test("whoever no longer wants a server need not wait for the download", async () => {
  await using machine = await NewMachine.create();
  const server = await machine.script("server", `echo "nats-server: v${version}"`);
  await using site = await startReleaseSite(machine.folder, version, server);
  const leaving = new AbortController();
  site.misbehave("archive", () => leaving.abort(new Error("leaving")));
  await machine.installGo(version);
  const { signal } = leaving;
  await expect(machine.find({ releaseBase: site.base, signal })).rejects.toThrow("leaving");
});

test("a server on PATH is used if it is new enough", async () => {
  await using machine = await NewMachine.create();
  const bin = await machine.install(floor);
  expect(await machine.find()).toEqual({ bin, version: floor, how: "PATH" });
});

test("a server on PATH that is too old is skipped, and that is said", async () => {
  await using machine = await NewMachine.create();
  const bin = await machine.install(TOO_OLD);
  await machine.installGo(version);
  expect(await machine.find()).toMatchObject({ how: "go" });
  expect(machine.said).toContain(`skipping ${bin}: it is ${TOO_OLD}, and ${floor} is needed`);
});

test("NATS_SERVER_BIN comes before what is on PATH", async () => {
  await using machine = await NewMachine.create();
  await machine.install(version);
  const bin = await machine.script("mine", `echo "nats-server: v${floor}"`);
  const found = await machine.find({ env: { NATS_SERVER_BIN: bin } });
  expect(found).toEqual({ bin, version: floor, how: "NATS_SERVER_BIN" });
});

test("NATS_SERVER_BIN that is too old is refused by name, version and floor", async () => {
  await using machine = await NewMachine.create();
  await machine.install(version);
  const bin = await machine.script("mine", `echo "nats-server: v${TOO_OLD}"`);
  await expect(machine.find({ env: { NATS_SERVER_BIN: bin } })).rejects.toThrow(
    `NATS_SERVER_BIN: ${bin} is nats-server ${TOO_OLD}, which is too old. ` +
      `Set it to a nats-server ${floor} or newer, or unset it to have one found for you.`,
  );
});

test("NATS_SERVER_BIN that is not there, or something else, is refused", async () => {
  await using machine = await NewMachine.create();
  await machine.install(version);
  const other = await machine.script("other", "echo Python 3.14.0");
  const found = (bin: string) => machine.find({ env: { NATS_SERVER_BIN: bin } });
  await expect(found("/nowhere")).rejects.toThrow("/nowhere does not run: there is no such file");
  await expect(found(machine.folder)).rejects.toThrow("it is not executable");
  await expect(found(other)).rejects.toThrow("runs, but is not a nats-server");
});

test("somebody without any way to a server is told every way, and what came of it", async () => {
  await using machine = await NewMachine.create();
  await machine.installGo(version, "no network");
  const message = await machine.find().then(String, (error: Error) => error.message);
  expect(message.split("\n").map((line) => line.split(":")[0])).toEqual([
    `Millrace needs a nats-server ${floor} or newer, and found no way to one. Any of these will do`,
    "- NATS_SERVERS",
    "- NATS_SERVER_BIN",
    "- PATH",
    "- cache",
    "- release",
    "- go",
    "- container",
  ]);
  expect(message).toContain("(go install failed: go: no network)");
  expect(message).toContain("ECONNREFUSED");
  expect(message).toContain(`nats:${version}`);
});
