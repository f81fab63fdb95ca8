import { runService } from "#lib/process/run-service.ts";
import { serveTaskTypes } from "../../../../services/worker/serve.ts";

const handlers = import.meta.resolve("./task-types.ts");

await runService("worker", process, (running) => serveTaskTypes(running, handlers));
