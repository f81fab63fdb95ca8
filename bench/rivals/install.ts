import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { errorMessage } from "../../lib/task/error-message.ts";
import { BenchError } from "../bench-error.ts";

const run = promisify(execFile);

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const STAMP = ".millrace-bench-stamp";
const INSTALL = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];

/** Where the rivals written in Python find theirs. */
export const PYTHON = `${FOLDER}.venv/bin/python`;

/** Installs what the rivals written for Node need, from their own lock file, if that was not done yet. */
export async function installForNode(env: NodeJS.ProcessEnv): Promise<void> {
  await once("node_modules", "package-lock.json", async () => {
    await command("npm", INSTALL, env);
  });
}

/** The same for Python, in an environment of its own. */
export async function installForPython(env: NodeJS.ProcessEnv): Promise<void> {
  await once(".venv", "requirements.txt", async () => {
    await command("python3", ["-m", "venv", "--clear", ".venv"], env);
    const what = ["--quiet", "--disable-pip-version-check", "--require-hashes"];
    await command(PYTHON, ["-m", "pip", "install", ...what, "-r", "requirements.txt"], env);
  });
}

/** Of packages as they are installed: `{ bullmq: "6.7.0" }`. */
export function nodeVersions(...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.map((name) => {
      const manifest = readFileSync(`${FOLDER}node_modules/${name}/package.json`, "utf8");
      return [name, (JSON.parse(manifest) as { readonly version: string }).version];
    }),
  );
}

export async function pythonVersions(
  ...names: readonly string[]
): Promise<Readonly<Record<string, string>>> {
  const code = `import importlib.metadata as m, platform
print("python", platform.python_version())
for name in ${JSON.stringify(names)}: print(name, m.version(name))`;
  const { stdout } = await run(PYTHON, ["-c", code]);
  const lines = stdout.trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(" ")));
}

async function once(folder: string, lock: string, install: () => Promise<void>): Promise<void> {
  const stamp = `${FOLDER}${folder}/${STAMP}`;
  const wanted = createHash("sha256")
    .update(readFileSync(`${FOLDER}${lock}`))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stderr.write(`installing what bench/rivals/${lock} names…\n`);
  await install();
  writeFileSync(stamp, wanted);
}

async function command(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  try {
    await run(program, args, { cwd: FOLDER, env });
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string };
    const why = stderr?.trim().split("\n").slice(-5).join("\n") || errorMessage(error);
    throw new BenchError(`"${program} ${args.join(" ")}" failed in bench/rivals: ${why}`, {
      cause: error,
    });
  }
}
