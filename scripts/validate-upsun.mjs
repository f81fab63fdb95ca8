// Checks .upsun/config.yaml with the official Upsun CLI, which needs neither a login nor, once it is installed, a network.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = "@upsun/cli-linux-x64";
const VERSION = "5.11.1";
const INTEGRITY =
  "sha512-I/+Vit/F3pd04vbYNLltceu0Ejuy0dqQ3Zz1AZGXWtxSOhRKi60H8qbAlg7fK1WnhHCLhgQAnHtIXlP9/nTQ3w==";
const INSTALL_LIMIT_MS = 120_000;

const root = fileURLToPath(new URL("../", import.meta.url));
const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
// Not a devDependency: it is one platform's package, and 54 MB.
const folder = join(cache, "millrace", "upsun-cli", VERSION);
const bin = join(folder, "node_modules", PACKAGE, "bin", "upsun");

/** Installs the CLI if it isn't yet; returns what stood in the way. */
function install() {
  if (existsSync(bin)) return undefined;
  const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"];
  const { status, stderr, error } = spawnSync(
    "npm",
    ["install", ...flags, "--prefix", folder, `${PACKAGE}@${VERSION}`],
    { encoding: "utf8", timeout: INSTALL_LIMIT_MS },
  );
  if (status === 0 && existsSync(bin)) return undefined;
  const why = error?.message ?? stderr.split("\n").find((line) => line.startsWith("npm error"));
  return `${PACKAGE}@${VERSION} could not be installed (${why ?? `npm ended with ${status}`})`;
}

/** What npm verified the package against when it installed it. */
function installedIntegrity() {
  const lock = readFileSync(join(folder, "node_modules", ".package-lock.json"), "utf8");
  return JSON.parse(lock).packages?.[`node_modules/${PACKAGE}`]?.integrity;
}

function skip(reason, status) {
  process.stdout.write(`skipped: ${reason}\n`);
  return status;
}

function validate() {
  const platform = `${process.platform}-${process.arch}`;
  if (platform !== "linux-x64") return skip(`the Upsun CLI is pinned for linux-x64 only`, 0);
  const problem = install();
  if (problem !== undefined) return skip(problem, process.env.CI === "true" ? 1 : 0);
  if (installedIntegrity() !== INTEGRITY) {
    process.stderr.write(`${folder} holds another ${PACKAGE} than the pinned one: delete it\n`);
    return 1;
  }
  const { status, error } = spawnSync(bin, ["app:config-validate"], {
    cwd: root,
    env: { ...process.env, UPSUN_CLI_NO_INTERACTION: "1", UPSUN_CLI_UPDATES_CHECK: "0" },
    stdio: "inherit",
  });
  if (error !== undefined) process.stderr.write(`${error.message}\n`);
  return status ?? 1;
}

process.exitCode = validate();
