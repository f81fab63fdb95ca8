import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/** Every executable of this name on PATH, in its order. */
export async function onPath(env: NodeJS.ProcessEnv, name: string): Promise<string[]> {
  const { PATH = "" } = env;
  const candidates = PATH.split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name));
  const executable = await Promise.all(candidates.map(isExecutable));
  return candidates.filter((_, index) => executable[index]);
}

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
