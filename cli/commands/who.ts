import { userInfo } from "node:os";

const MAX_CHARS = 128;

/** Who types the command: the login name, where there is one. */
export function loginName(): string {
  try {
    return userInfo().username.slice(0, MAX_CHARS);
  } catch {
    return "";
  }
}
