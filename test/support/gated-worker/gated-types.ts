import { isMainThread } from "node:worker_threads";
import { taskTypes as scripted } from "../scripted-worker/scripted.ts";

/** As a module that needs something to load in a thread: this address must answer, and without an error. */
export async function taskTypes() {
  if (!isMainThread) await loadFrom(process.env["LOAD_GATE"] ?? "");
  return scripted();
}

async function loadFrom(url: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`what the task types need is away: ${response.status}`);
  await response.text();
}
