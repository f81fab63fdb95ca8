// Plain JavaScript, for it comes before any TypeScript is read.
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and those above it, where they are missing. Node's own recursive mkdir tries for ever where a file
 * system makes no folders, as /proc.
 *
 * @param {string} path
 * @param {number} [mode] Who may do what in those that are made; what the umask leaves, if it is not set.
 */
export function makeFolders(path, mode) {
  const folder = resolve(path);
  if (isFolder(folder)) return;
  if (folder !== dirname(folder)) makeFolders(dirname(folder), mode);
  try {
    mkdirSync(folder, mode);
  } catch (error) {
    // Another process may have been faster.
    if (!isFolder(folder)) throw error;
  }
}

/** @param {string} path */
function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
