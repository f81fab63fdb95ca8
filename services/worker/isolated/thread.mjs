// Plain JavaScript, for it comes before any TypeScript is read: what the process keeps compiled, each of its threads has to
// ask for.
import { workerData } from "node:worker_threads";
import { keepCompiledIn } from "../../../lib/process/compile-cache.mjs";

keepCompiledIn(workerData.compiled);

const load = () => import("./thread.ts");

export const getReady = async () => (await load()).getReady();

/** @param {import("node:worker_threads").MessagePort} port */
export const hold = async (port) => (await load()).hold(port);

/** @param {import("./messages.ts").ThreadAttempt} given */
export const attempt = async (given) => (await load()).attempt(given);
