import { type DescField, type DescMessage, ScalarType, toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { ListTaskTypesResponseSchema } from "#gen/millrace/v1/task_service_pb.ts";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";
import { atGateway, CALL } from "../gateway/at-gateway.ts";
import { jsonFormOf } from "../task-types/json-form.ts";
import { resolveType } from "../task-types/resolve-type.ts";
import { type TaskTypes, taskTypesOf } from "../task-types/task-types.ts";
import { shownDuration } from "../terminal/duration.ts";
import { print, printJson } from "../terminal/output.ts";
import { globalsOf } from "./globals.ts";

export function addTypes(program: Command): void {
  program
    .command("types")
    .description("list the task types that workers have announced")
    .argument("[type]", "only this one; as for submit")
    .action(async (given: string | undefined, _options: object, command: Command) => {
      const { server, json } = globalsOf(command);
      await atGateway(server, async (tasks) => {
        const response = await tasks.listTaskTypes({}, CALL);
        const types = taskTypesOf(response.taskTypes);
        const chosen = given === undefined ? types.all : [resolveType(given, types.all)];
        const answer = { ...response, taskTypes: [...chosen] };
        if (json) printJson(toJson(ListTaskTypesResponseSchema, answer, types));
        else print(...allLines(chosen, types));
      });
    });
}

function allLines(chosen: readonly TaskType[], types: TaskTypes): string[] {
  if (chosen.length === 0) return ["no worker has announced a task type yet"];
  return chosen.flatMap((type) => typeLines(type, types));
}

function typeLines(type: TaskType, { registry }: TaskTypes): string[] {
  const message = registry.getMessage(type.name);
  return [
    type.alias || type.name,
    `  ${type.description}`,
    `  input   ${type.name}`,
    ...(message ? inputLines(message) : []).map((line) => `            ${line}`),
    `  output  ${type.outputType}`,
    `  workers ${workersOf(type, Date.now())}`,
    ...type.conflicts.map((conflict) => `  warning ${conflict}`),
  ];
}

function workersOf({ liveWorkers, lastSeenTime }: TaskType, nowMs: number): string {
  if (liveWorkers > 0) return `${liveWorkers} ${liveWorkers === 1 ? "serves" : "serve"} it`;
  const seen = lastSeenTime
    ? `, last seen ${shownDuration(nowMs - timestampMs(lastSeenTime))} ago`
    : "";
  return `none serves it${seen}`;
}

/** What `submit` takes. */
function inputLines(message: DescMessage): string[] {
  switch (jsonFormOf(message)) {
    case "members":
      return ["members of any name"];
    case "anything":
      return ["any JSON"];
    case "list":
      return ["value: any JSON, repeated"];
    case "text":
      return [`value: ${message.name}`];
    default:
      return message.fields.map((field) => `${field.name}: ${kindOf(field)}`);
  }
}

function kindOf(field: DescField): string {
  if (field.fieldKind === "map") return "map";
  const kind = kindOfOne(field);
  return field.fieldKind === "list" ? `${kind}, repeated` : kind;
}

function kindOfOne({ enum: values, message, scalar }: DescField): string {
  if (message) return message.name;
  if (!values) return scalar === undefined ? "" : (ScalarType[scalar] ?? "").toLowerCase();
  const prefix = values.sharedPrefix?.length ?? 0;
  return values.values.map(({ name }) => name.slice(prefix).toLowerCase()).join(" | ");
}
