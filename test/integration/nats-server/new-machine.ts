import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findNatsServer } from "#cli/nats-server/find-nats-server.ts";
import type { ModuleHashes } from "#cli/nats-server/go-modules.ts";
import type { FindNatsServerOptions, FoundNatsServer } from "#cli/nats-server/search.ts";
import pinned from "../../../deploy/nats-server.json" with { type: "json" };

/** Where nobody listens. */
export const NOBODY = "http://127.0.0.1:2";

/** A machine with nothing on PATH and an empty cache, as far as findNatsServer can see. */
export class NewMachine implements AsyncDisposable {
  readonly folder: string;
  readonly cacheDir: string;
  /** What was said while we looked. */
  readonly said: string[] = [];
  readonly #onPath: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.cacheDir = join(folder, "cache");
    this.#onPath = join(folder, "bin");
  }

  static async create(): Promise<NewMachine> {
    return new NewMachine(await mkdtemp(join(tmpdir(), "millrace-machine-")));
  }

  find(options: Partial<FindNatsServerOptions> = {}): Promise<FoundNatsServer> {
    return findNatsServer({
      cacheDir: this.cacheDir,
      releaseBase: NOBODY,
      onProgress: (line) => this.said.push(line),
      ...options,
      env: { PATH: this.#onPath, ...options.env },
    });
  }

  /** A program on PATH that answers as a nats-server of this version. */
  install(version: string): Promise<string> {
    return this.script(join("bin", "nats-server"), `echo "nats-server: v${version}"`);
  }

  /** A program on PATH that builds what `go install` would, of these modules; it stops with `failure`, if any. */
  installGo(
    version: string,
    failure = "",
    modules: ModuleHashes = pinned.modules,
  ): Promise<string> {
    const lines = Object.entries(modules).map(
      ([module, hash]) => `\tdep\t${module.replace("@", "\t")}\t${hash}`,
    );
    return this.script(
      join("bin", "go"),
      `[ "$1" = version ] && echo "${lines.join("\n")}" && exit
       ${failure && `echo "go: ${failure}" >&2; exit 1`}
       echo "#!/bin/sh" > "$GOBIN/nats-server"
       echo "echo nats-server: v${version} for $2" >> "$GOBIN/nats-server"
       /bin/chmod +x "$GOBIN/nats-server"`,
    );
  }

  async script(name: string, lines: string): Promise<string> {
    const file = join(this.folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
