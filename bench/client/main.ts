import { bulk } from "./bulk.ts";
import type { Caller, CallerModule } from "./caller.ts";
import { closedLoop } from "./closed-loop.ts";
import { delayed } from "./delayed.ts";
import { fanOut } from "./fan-out.ts";
import type { Load, LoadResult } from "./load.ts";
import { oneByOne } from "./one-by-one.ts";
import { openLoop } from "./open-loop.ts";
import { openWatches } from "./open-watches.ts";
import type { Answer, Order } from "./orders.ts";
import { patientLoop } from "./patient-loop.ts";
import { resumeWatches } from "./resume-watches.ts";

/*
 * The client's process: opens the caller of a system, and puts load on the system as the benchmark orders. It is a process
 * of its own, so that what calling costs is told apart from what measuring does.
 */

const [module = "", address = ""] = process.argv.slice(2);
const { openCaller }: CallerModule = await import(module);
const caller: Caller = await openCaller(address);
const accepted: string[] = [];
const onAccepted = (id: string) => accepted.push(id);

let onRestarted: (killedAtMs: number) => void = () => {};

process.on("message", async (order: Order) => {
  if (order.do === "go on") onRestarted(order.killedAtMs);
  else answer(await obeyed(order));
});
// Whoever gives the orders is gone.
process.on("disconnect", () => process.exit());
answer({ did: "opened" });

function answer(given: Answer): void {
  process.send?.(given);
}

function restart(): Promise<number> {
  const restarted = Promise.withResolvers<number>();
  onRestarted = restarted.resolve;
  answer({ did: "want restart" });
  return restarted.promise;
}

async function obeyed(order: Exclude<Order, { readonly do: "go on" }>): Promise<Answer> {
  try {
    if (order.do === "tell accepted") return { did: "tell accepted", ids: accepted.splice(0) };
    return { did: "load", result: await putLoad(order.load) };
  } catch (error) {
    return { did: "fail", error: error instanceof Error ? `${error.stack}` : String(error) };
  }
}

function putLoad(load: Load): Promise<LoadResult> {
  switch (load.kind) {
    case "closed loop":
      return closedLoop(caller, load, onAccepted);
    case "open loop":
      return openLoop(caller, load, onAccepted);
    case "one by one":
      return oneByOne(caller, load, onAccepted);
    case "fan-out":
      return fanOut(caller, load, onAccepted);
    case "open watches":
      return openWatches(caller, load, onAccepted);
    case "resume watches":
      return resumeWatches(caller, load, { onAccepted, restart });
    case "bulk":
      return bulk(caller, load, onAccepted);
    case "delayed":
      return delayed(caller, load, onAccepted);
    case "patient loop":
      return patientLoop(caller, load, onAccepted);
    default:
      return load satisfies never;
  }
}
