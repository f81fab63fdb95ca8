import { parentPort, workerData } from "node:worker_threads";
import { extractText } from "./extract-text.ts";

parentPort?.postMessage(extractText(workerData));
