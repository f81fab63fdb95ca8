// Plain JavaScript, for it comes before any TypeScript is read.
import { userInfo } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * Our folder among the caches of this user, by the XDG Base Directory Specification, which has relative paths ignored.
 * Throws for a user without a home.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function userCaches({ XDG_CACHE_HOME = "", HOME = "" }) {
  const home = isAbsolute(HOME) ? HOME : userInfo().homedir;
  return join(isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(home, ".cache"), "millrace");
}
