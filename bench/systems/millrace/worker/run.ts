import { runService } from "#lib/process/run-service.ts";
import { serveTaskTypes } from "../../../../services/worker/serve.ts";

/** Taken off the command line, of which the rest is the worker's. */
const [module = "./task-types.ts"] = process.argv.splice(2, 1);
const handlers = import.meta.resolve(module);

await runService("worker", process, (running) => serveTaskTypes(running, handlers));
