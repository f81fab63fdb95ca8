// Plain JavaScript, for it comes before any TypeScript is read.
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { makeFolders } from "./make-folders.mjs";
import { userCaches } from "./user-caches.mjs";

/** What lies there is run. */
const OWNER_ONLY = 0o700;

/**
 * Has Node keep what it compiles of our modules, for the next start of this user: loading them is most of a start. Not in
 * the folder for temporary files, Node's default, where other users of the machine could put code of theirs in our way.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function keepCompiled(env) {
  try {
    const caches = userCaches(env);
    // The home of a service user is often named and not there. It is not ours to make.
    if (!existsSync(dirname(dirname(caches)))) return;
    const folder = join(caches, "compiled");
    makeFolders(folder, OWNER_ONLY);
    module.enableCompileCache?.(folder);
  } catch {
    // A user without a home, or whose home can't be written: the start takes its time.
  }
}

/** The folder where this process keeps it; undefined: nowhere. */
export function compiledFolder() {
  const folder = module.getCompileCacheDir?.();
  // Node has one for each of its releases in there.
  return folder && dirname(folder);
}

/**
 * Has a thread use what its process keeps: Node does not, and it takes most of a thread's start.
 *
 * @param {string | undefined} folder
 */
export function keepCompiledIn(folder) {
  if (folder) module.enableCompileCache?.(folder);
}
