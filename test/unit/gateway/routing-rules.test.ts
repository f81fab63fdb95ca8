import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Priority } from "#gen/millrace/v1/task_pb.ts";
import { loadSettings } from "#lib/process/load-settings.ts";
import { parseRoutingRules, readRoutingRules } from "../../../services/gateway/routing-rules.ts";

const QUEUES = ["default", "slow"];

describe("the routing file", () => {
  test("says where tasks wait", () => {
    const rules = [
      { taskType: "report", labels: { team: "a" }, queue: "slow" },
      { minInputBytes: 0, maxInputBytes: 10, priority: "URGENT" },
    ];
    expect(parseRoutingRules(JSON.stringify(rules), QUEUES)).toEqual([
      rules[0],
      { ...rules[1], priority: Priority.URGENT },
    ]);
    expect(parseRoutingRules("[]", QUEUES)).toEqual([]);
  });

  test.each([
    ["{", "this is not JSON: "],
    ["{}", "must be a JSON list of rules"],
    ["[1]", "rule 1: must be an object"],
    [
      '[{"queue": "slow"}, {"queu": "slow"}]',
      "rule 2: queu: there is no such field; there are: taskType, labels, ",
    ],
    ['[{"queue": "fast"}]', 'rule 1: queue: must be one of default, slow, not "fast"'],
    [
      '[{"priority": "low"}]',
      'rule 1: priority: must be one of URGENT, HIGH, NORMAL, LOW, not "low"',
    ],
    ['[{"queue": "slow", "taskType": ""}]', 'rule 1: taskType: must be a text, not ""'],
    [
      '[{"queue": "slow", "labels": {"a": 1}}]',
      'rule 1: labels: must be an object of texts, not {"a":1}',
    ],
    ['[{"queue": "slow", "labels": ["a"]}]', "rule 1: labels: must be an object of texts"],
    [
      '[{"queue": "slow", "minInputBytes": -1}]',
      "rule 1: minInputBytes: must be a whole number, 0 or more, not -1",
    ],
    [
      '[{"queue": "slow", "maxInputBytes": "9"}]',
      'rule 1: maxInputBytes: must be a whole number, 0 or more, not "9"',
    ],
    [
      '[{"queue": "slow", "minInputBytes": 2, "maxInputBytes": 1}]',
      "rule 1: maxInputBytes: must not be less",
    ],
    ['[{"taskType": "report"}]', "rule 1: must name a queue, a priority, or both"],
  ])("%s is refused", (text, message) => {
    expect(() => parseRoutingRules(text, QUEUES)).toThrow(message);
  });

  test("is named when it is wrong or can't be read, and is not needed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-routing-"));
    const file = join(folder, "rules.json");
    const settingsOf = (env: NodeJS.ProcessEnv, ...flags: string[]) =>
      loadSettings("gateway", env, ["node", "gateway", ...flags]);
    const set = settingsOf({ MILLRACE_ROUTING_FILE: file });
    const missing = readRoutingRules(set);
    await expect(missing).rejects.toThrow(`MILLRACE_ROUTING_FILE: ${file}: ENOENT`);
    const flagged = readRoutingRules(settingsOf({}, "--routing-file", file));
    await expect(flagged).rejects.toThrow(`--routing-file: ${file}: ENOENT`);
    await writeFile(file, "[{}]");
    await expect(readRoutingRules(set)).rejects.toThrow(
      `MILLRACE_ROUTING_FILE: ${file}: rule 1: must name`,
    );
    await rm(folder, { recursive: true });
    expect(await readRoutingRules(settingsOf({}))).toEqual([]);
  });
});
