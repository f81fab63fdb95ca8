// Plain JavaScript, for it comes before any TypeScript is read.
import { existsSync, mkdirSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { userCaches } from "./user-caches.mjs";

/**
 * Has Node keep what it compiles of our modules, for the next start of this user: loading them is most of a start. Not in
 * the folder for temporary files, Node's default, where other users of the machine could put code of theirs in our way.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function keepCompiled(env) {
  try {
    const folder = join(userCaches(env), "compiled");
    makeFolders(folder);
    module.enableCompileCache?.(folder);
  } catch {
    // A user without a home, or whose home can't be written: the start takes its time.
  }
}

/**
 * Node tries for ever where a file system makes no folders, as /proc.
 *
 * @param {string} folder
 */
function makeFolders(folder) {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}
