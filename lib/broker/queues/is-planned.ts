import type { Link } from "../link/link.ts";
import { readNewest } from "../log/read-batch.ts";
import type { Run } from "../names.ts";

/** Whether the run waits in the schedule, to be put into its queue later. May be stale, for any replica answers. */
export async function isPlanned(link: Link, run: Run): Promise<boolean> {
  const { names } = link;
  const subjects = [names.scheduleSubject(run)];
  const found = await readNewest(link.use(), subjects, names.scheduleStream);
  return found.length > 0;
}
