import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { archiveUrlOf } from "#cli/nats-server/release.ts";

export type Answer = (response: ServerResponse, content: Buffer) => void;

/** Plays the site that official releases are downloaded from. */
export interface ReleaseSite extends AsyncDisposable {
  readonly base: string;
  /** SHA-256 of its archive, by its name. */
  readonly archives: Readonly<Record<string, string>>;
  /** The files asked for so far. */
  readonly asked: readonly string[];
  /** Answers for a file differently from now on, as a site or a proxy in trouble might. */
  misbehave(file: "archive" | "SHA256SUMS", answer: Answer): void;
}

/** A site with one release, whose archive for this machine holds the given binary. */
export async function startReleaseSite(
  folder: string,
  version: string,
  bin: string,
): Promise<ReleaseSite> {
  const name = archiveUrlOf("", version, process)?.split("/").at(-1) ?? "no archive";
  const archive = await pack(folder, name, bin);
  const sum = createHash("sha256").update(archive).digest("hex");
  const sums = `${"0".repeat(64)}  nats-server-v${version}-amd64.deb\n${sum}  ${name}\n`;
  const contents = new Map([
    [`/v${version}/${name}`, archive],
    [`/v${version}/SHA256SUMS`, Buffer.from(sums)],
  ]);
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    asked.push(url);
    const content = contents.get(url);
    const answer = answers.get(url) ?? whole;
    if (content) answer(response, content);
    else response.writeHead(404).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    archives: { [name]: sum },
    asked,
    misbehave(file, answer) {
      answers.set(`/v${version}/${file === "archive" ? name : file}`, answer);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function whole(response: ServerResponse, content: Buffer): void {
  response.writeHead(200, { "content-length": content.length }).end(content);
}

/** Packs as a release is packed: one folder with the archive's name, the binary among other files. */
async function pack(folder: string, name: string, bin: string): Promise<Buffer> {
  const packing = await mkdtemp(join(folder, "site-"));
  const inside = name.replace(".tar.gz", "");
  await mkdir(join(packing, inside));
  await cp(bin, join(packing, inside, "nats-server"));
  await cp(import.meta.filename, join(packing, inside, "README.md"));
  const members = [`${inside}/README.md`, `${inside}/nats-server`];
  await promisify(execFile)("tar", ["--format=pax", "-czf", name, ...members], { cwd: packing });
  return await readFile(join(packing, name));
}
