import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The last commit whose processes wrote queue entries before the log, and knew of no runs. */
const COMMIT = "c488c36";

/** The release before, ready to run. Needs a clone that has its history. */
export class ReleaseBefore implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async checkOut(): Promise<ReleaseBefore> {
    const folder = await mkdtemp(join(tmpdir(), "millrace-release-before-"));
    const archive = join(folder, "release.tar");
    await mkdir(join(folder, "release"));
    await run("git", ["archive", "--output", archive, COMMIT]);
    await run("tar", ["-xf", archive, "-C", join(folder, "release")]);
    await symlink(resolve("node_modules"), join(folder, "release", "node_modules"));
    return new ReleaseBefore(join(folder, "release"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(join(this.folder, ".."), { recursive: true, force: true });
  }
}
