import { taskTypes as scripted } from "./scripted-worker/scripted.ts";

let loads = 0;

/** As a module whose settings are somewhere that is away for a moment: in each thread, the first load fails. */
export function taskTypes() {
  loads += 1;
  if (loads === 1) throw new Error("the settings can't be read");
  return scripted();
}
