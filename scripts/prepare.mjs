// Runs before "npm run demo", "start", "test" and "check", and installs what they
// need when that is missing or out of date. Until then there is only the machine's
// own Node, which may be as old as 20, so this is plain JavaScript without dependencies.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OLDEST_NODE = 20;
const NODE_TO_RUN = 24;
const NPM_CI = "ci --prefer-offline --no-audit --no-fund --include=dev --loglevel=error".split(" ");

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const stamp = join(modules, ".millrace-lock-hash");
const manifests = [join(root, "package-lock.json"), join(root, "package.json")];

process.exitCode = prepare() ? 0 : 1;

function prepare() {
  if (majorOf(process.version) < OLDEST_NODE) {
    say(`this is Node ${process.version}, too old even to install with: use Node ${NODE_TO_RUN}`);
    return false;
  }
  const wanted = hashOfManifests();
  if (hasStamp(wanted)) return true;
  if (!installedByHand() && !install()) return false;
  writeFileSync(stamp, wanted);
  return true;
}

function hashOfManifests() {
  const hash = createHash("sha256");
  for (const file of manifests) hash.update(readFileSync(file));
  return hash.digest("hex");
}

function hasStamp(wanted) {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
}

/** npm writes its own note last; if that is newer than what we ask for, somebody has run npm already. */
function installedByHand() {
  const note = join(modules, ".package-lock.json");
  if (!existsSync(note)) return false;
  const installed = statSync(note).mtimeMs;
  return manifests.every((file) => statSync(file).mtimeMs <= installed) && hasNodeToRun();
}

function install() {
  const started = Date.now();
  say(`installing about ${countPackages()} packages, some 20 s the first time…`);
  const npm = spawnSync("npm", NPM_CI, {
    cwd: root,
    // Not with the pinned Node, for npm ci removes that before it installs it again.
    env: { ...process.env, PATH: pathWithoutModules() },
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) {
    process.stderr.write(`${npm.stdout || ""}${npm.stderr || ""}`);
    say(`npm ci failed${npm.error ? `: ${npm.error.message}` : ", and said why above"}`);
    return false;
  }
  if (!hasNodeToRun()) {
    say(`npm did not install Node ${NODE_TO_RUN}, and this is ${process.version}: let npm run`);
    say(`install scripts ("npm config set ignore-scripts false"), or use Node ${NODE_TO_RUN}`);
    return false;
  }
  say(`installed in ${Math.round((Date.now() - started) / 1000)} s`);
  return true;
}

/** Of all that is in the lock, what npm installs on this machine, to the nearest ten. */
function countPackages() {
  const { packages } = JSON.parse(readFileSync(manifests[0], "utf8"));
  const here = ({ os, cpu }) =>
    (!os || os.includes(process.platform)) && (!cpu || cpu.includes(process.arch));
  return Math.round(Object.values(packages).filter(here).length / 10) * 10;
}

function pathWithoutModules() {
  const folders = (process.env.PATH || "").split(delimiter);
  return folders.filter((folder) => !folder.startsWith(modules)).join(delimiter);
}

/** The package "node" fetches Node in its install script, which npm's settings may forbid. */
function hasNodeToRun() {
  const pinned = spawnSync(join(modules, ".bin", "node"), ["--version"], { encoding: "utf8" });
  const version = pinned.status === 0 ? pinned.stdout.trim() : process.version;
  return majorOf(version) >= NODE_TO_RUN;
}

function majorOf(version) {
  return Number(version.slice(1).split(".")[0]);
}

function say(line) {
  process.stderr.write(`millrace: ${line}\n`);
}
