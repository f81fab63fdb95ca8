import { userInfo } from "node:os";
import { Option } from "commander";

/** Who asks and why, for the services that keep it. */
export interface Requester {
  readonly reason: string;
  readonly by: string;
}

export function reasonOption(): Option {
  return new Option("--reason <text>", "why, for people; kept with what is done").default("");
}

export function byOption(): Option {
  return new Option("--by <name>", "who asks").default(loginName(), "your login name");
}

/** In a container, the user may have none. */
function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}
