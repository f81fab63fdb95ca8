import type { Setup } from "../systems/system.ts";
import { latencyFigures, rateAndCost } from "./figures.ts";
import { watchedTasks } from "./run-tasks.ts";
import type { Work } from "./work.ts";

const COPIES = "MILLRACE_REPLICAS";

const SETUPS: Readonly<Record<string, Setup>> = {
  "1 server": {},
  "3 servers, 1 copy": { brokers: 3, settings: { [COPIES]: "1" } },
  "3 servers, 3 copies": { brokers: 3, settings: { [COPIES]: "3" } },
};

/** Work 12: what it costs to lose nothing with a server. */
export const replicas: Work = {
  name: "replicas",
  title: "Copies in a cluster",
  description:
    'As in "run", watched, with four reports: on one nats-server, and on three of this machine with one copy of what is ' +
    "stored and with three. CPU and messages are those of all servers, what they tell each other included; so are messages stored.",
  cases: (size, callers) =>
    Object.entries(SETUPS).map(([name, setup]) => ({
      ...watchedTasks(size, callers),
      name,
      setup,
      needs: ["scale"],
    })),
  figures: (measured) => [...rateAndCost(measured), ...latencyFigures(measured, "result")],
};
