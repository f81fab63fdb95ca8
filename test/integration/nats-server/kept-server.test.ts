import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import pinned from "../../../deploy/nats-server.json" with { type: "json" };
import { NewMachine } from "./new-machine.ts";
import { startReleaseSite } from "./release-site.ts";

const { version } = pinned;
const NAME = join("cache", version, "nats-server");

function kept(machine: NewMachine): string {
  return join(machine.folder, NAME);
}

test("what was kept is used again without asking anybody", async () => {
  await using machine = await NewMachine.create();
  const server = await machine.script("server", `echo "nats-server: v${version}"`);
  await using site = await startReleaseSite(machine.folder, version, server);
  await machine.find({ releaseBase: site.base });
  const askedBefore = site.asked.length;
  const again = await machine.find({ releaseBase: site.base });
  expect(again).toEqual({ bin: kept(machine), version, how: "cache" });
  expect(site.asked).toHaveLength(askedBefore);
});

test("two that start at once on a new machine both get a whole server", async () => {
  await using machine = await NewMachine.create();
  await using site = await startReleaseSite(machine.folder, version, inject("natsServerBin"));
  const releaseBase = site.base;
  const found = await Promise.all([machine.find({ releaseBase }), machine.find({ releaseBase })]);
  expect(found.map(({ bin }) => bin)).toEqual([kept(machine), kept(machine)]);
  expect(await machine.find()).toMatchObject({ how: "cache", version });
  expect(await readdir(machine.cacheDir)).toEqual([version]);
});

test("a cached file that is broken is replaced", async () => {
  await using machine = await NewMachine.create();
  await machine.script(NAME, "exit 1");
  await machine.installGo(version);
  expect(await machine.find()).toMatchObject({ how: "go", version });
});

test("a kept server that was changed is not run, and the error says what to do", async () => {
  await using machine = await NewMachine.create();
  await machine.installGo(version);
  await machine.find();
  const ran = join(machine.folder, "ran");
  await machine.script(NAME, `echo > ${ran}; echo "nats-server: v${version}"`);
  const refused = expect(machine.find()).rejects;
  await refused.toMatchObject({ name: "NatsServerError", problem: "changed" });
  await refused.toThrow(
    `${kept(machine)} may not be the file that was kept there: its SHA-256 is `,
  );
  await refused.toThrow(`delete ${dirname(kept(machine))}, and it is fetched anew`);
  expect(existsSync(ran)).toBe(false);

  await rm(dirname(kept(machine)), { recursive: true });
  expect(await machine.find()).toMatchObject({ how: "go" });
  expect(await machine.find()).toMatchObject({ how: "cache" });
});

test("a kept server of which no hash was noted is used, and from then on only as it is", async () => {
  await using machine = await NewMachine.create();
  await machine.script(NAME, `echo "nats-server: v${version}"`);
  expect(await machine.find()).toMatchObject({ how: "cache" });
  expect(machine.said).toEqual([expect.stringContaining(`noted the SHA-256 of ${kept(machine)}`)]);
  expect(await machine.find()).toMatchObject({ how: "cache" });
  expect(machine.said).toHaveLength(1);
  const sums = await promisify(execFile)("sha256sum", ["-c", "nats-server.sha256"], {
    cwd: dirname(kept(machine)),
  });
  expect(sums.stdout).toBe("nats-server: OK\n");
  await machine.script(NAME, `echo "nats-server: v${version}" # mine`);
  await expect(machine.find()).rejects.toThrow("may not be the file that was kept there");
  await rm(`${kept(machine)}.sha256`);
  expect(await machine.find()).toMatchObject({ how: "cache" });
});

test("a kept server whose hash can't be noted serves all the same", async () => {
  await using machine = await NewMachine.create();
  await machine.script(NAME, `echo "nats-server: v${version}"`);
  // As in a folder that may only be read, which would keep nothing from root.
  await mkdir(`${kept(machine)}.sha256.${process.pid}`);
  expect(await machine.find()).toMatchObject({ how: "cache" });
  expect(machine.said).toEqual([expect.stringContaining("is used unchecked")]);
});
