import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ROOT, SHELL, upsunApp } from "#test/support/upsun.ts";
import pinned from "../../deploy/nats-server.json" with { type: "json" };

let folder: string;
let onPath: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-upsun-"));
  onPath = join(folder, "on-path");
  mkdirSync(onPath);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a script on the path, in front of the program of that name. */
function standIn(name: string, script: string): void {
  writeFileSync(join(onPath, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(onPath, name), 0o755);
}

function run(command: string, env: Record<string, string> = {}) {
  const { PATH: path = "" } = process.env;
  return spawnSync(SHELL, ["-c", command], {
    cwd: folder,
    env: { ...env, PATH: [onPath, dirname(process.execPath), path].join(delimiter) },
    encoding: "utf8",
  });
}

describe.each(["gateway", "worker", "monitor"])("%s", (name) => {
  const { start, post_start } = upsunApp(name).web.commands;
  const shown = `echo "$NATS_AUTH_TOKEN $MILLRACE_${name.toUpperCase()}_HTTP_PORT"`;

  test("starts on Upsun's port, with the project's entropy for a token", () => {
    standIn("node", shown);
    const { stdout } = run(start, { PORT: "8888", PLATFORM_PROJECT_ENTROPY: "entropy" });
    expect(stdout).toBe("entropy 8888\n");
  });

  test("starts with the token that was set, if one was", () => {
    standIn("node", shown);
    const { stdout } = run(start, {
      PORT: "8888",
      NATS_AUTH_TOKEN: "own",
      PLATFORM_PROJECT_ENTROPY: "entropy",
    });
    expect(stdout).toBe("own 8888\n");
  });

  test("does not start without any token", () => {
    standIn("node", shown);
    const { status, stdout } = run(start, { PORT: "8888" });
    expect(status).not.toBe(0);
    expect(stdout).toBe("");
  });

  test.each([
    { endpoint: "neither live nor ready", live: 1, ready: 1, status: 1 },
    { endpoint: "live while its broker is still missing", live: 0, ready: 1, status: 0 },
    { endpoint: "live and ready", live: 0, ready: 0, status: 0 },
  ])("joins the router with status $status when it is $endpoint", ({ live, ready, status }) => {
    standIn(
      "curl",
      `case "$*" in *:8888/livez) exit ${live} ;; *:8888/readyz) exit ${ready} ;; esac\nexit 99`,
    );
    expect(run(post_start, { PORT: "8888" }).status).toBe(status);
  });
});

describe("nats", () => {
  const { hooks, web } = upsunApp("nats");
  const archive = `nats-server-v${pinned.version}-linux-amd64.tar.gz`;
  const release = `https://github.com/nats-io/nats-server/releases/download/v${pinned.version}`;

  /** Lays out a release as GitHub has it, and lets `curl` copy from there. */
  function publish(): string {
    const inside = archive.replace(".tar.gz", "");
    mkdirSync(join(folder, inside));
    writeFileSync(join(folder, inside, "nats-server"), "#!/bin/sh\necho released\n", {
      mode: 0o755,
    });
    const published = join(folder, "published");
    mkdirSync(published);
    spawnSync("tar", ["-C", folder, "-czf", join(published, archive), inside]);
    const sum = createHash("sha256")
      .update(readFileSync(join(published, archive)))
      .digest("hex");
    const other = "0".repeat(64);
    writeFileSync(
      join(published, "SHA256SUMS"),
      `${other}  other-${archive}\n${sum}  ${archive}\n${other}  ${archive}.sbom\n`,
    );
    standIn("curl", `for url; do :; done\necho "$url" >> asked\ncp "${published}/\${url##*/}" .`);
    cpSync(join(ROOT, "deploy/nats-server.json"), join(folder, "nats-server.json"));
    return published;
  }

  test("builds with the pinned release", () => {
    publish();
    const { status, stdout } = run(hooks.build);
    expect(status).toBe(0);
    expect(stdout).toBe(`${archive}: OK\nreleased\n`);
    const asked = readFileSync(join(folder, "asked"), "utf8");
    expect(asked).toBe(`${release}/${archive}\n${release}/SHA256SUMS\n`);
  });

  test("does not build with an archive that is not the released one", () => {
    const published = publish();
    writeFileSync(join(published, archive), "something else");
    expect(run(hooks.build).status).not.toBe(0);
    expect(existsSync(join(folder, "nats-server"))).toBe(false);
  });

  test("holds the archive against the hash that we know, whatever its site says", () => {
    publish();
    const archives = { [archive]: "0".repeat(64) };
    writeFileSync(join(folder, "nats-server.json"), JSON.stringify({ ...pinned, archives }));
    expect(run(hooks.build).status).not.toBe(0);
    expect(existsSync(join(folder, "nats-server"))).toBe(false);
    expect(readFileSync(join(folder, "asked"), "utf8")).toBe(`${release}/${archive}\n`);
  });

  test("does not build with an archive that the release's sums do not name", () => {
    const published = publish();
    writeFileSync(join(published, "SHA256SUMS"), `${"0".repeat(64)}  other-${archive}\n`);
    expect(run(hooks.build).status).not.toBe(0);
    expect(existsSync(join(folder, "nats-server"))).toBe(false);
  });

  test("does not start without any token: it would be open to whoever can reach it", () => {
    writeFileSync(join(folder, "nats-server"), "#!/bin/sh\necho started\n", { mode: 0o755 });
    const given = { PORT: "8888", PLATFORM_APP_DIR: folder, PLATFORM_ENVIRONMENT: "main" };
    expect(run(web.commands.start, given)).toMatchObject({ stdout: "" });
    expect(run(web.commands.start, { ...given, NATS_AUTH_TOKEN: "own" })).toMatchObject({
      stdout: "started\n",
    });
  });
});
