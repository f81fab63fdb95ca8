import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage } from "#lib/task/error-message.ts";
import { BenchError } from "../bench-error.ts";
import { markdownOf } from "./markdown.ts";
import type { Report } from "./report.ts";

/** Writes a report for people and one for programs, and resolves with the name of the first. */
export async function writeReport(report: Report, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const form = report.form === "full" ? "" : `-${report.form}`;
  const path = join(folder, `${report.beganAt.slice(0, 10)}${form}`);
  await writeFile(`${path}.json`, `${JSON.stringify(report, undefined, 1)}\n`);
  await writeFile(`${path}.md`, markdownOf(report));
  return `${path}.md`;
}

export async function readReport(file: string): Promise<Report> {
  try {
    const report: unknown = JSON.parse(await readFile(file, "utf8"));
    if (report instanceof Object && "samples" in report) return report as Report;
  } catch (error) {
    throw new BenchError(`can't read the report ${file}: ${errorMessage(error)}`, { cause: error });
  }
  throw new BenchError(`${file} is no report: give the .json file of one`);
}
