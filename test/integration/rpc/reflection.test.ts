import { create, createFileRegistry, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ServerReflection,
  type ServerReflectionRequestSchema,
} from "#gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "#gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { SummarizePageSchema } from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { type GrpcClient, openGrpcClient } from "#lib/rpc/client.ts";
import type { Door } from "#lib/rpc/door.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { withReflection } from "#lib/rpc/reflection.ts";
import { Stage } from "./stage.ts";

type Question = MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"];

/** Number of the extension (buf.validate.field). */
const VALIDATE_FIELD = 1159;

describe("reflection", () => {
  const stage = new Stage();
  let door: Door;
  let client: GrpcClient;

  beforeAll(async () => {
    door = await openGrpcDoor({ ...stage.options, services: withReflection(stage.services) });
    client = openGrpcClient(door);
  });
  afterAll(async () => {
    client.close();
    await door.leave();
  });

  async function ask(messageRequest: NonNullable<Question>) {
    const questions = (async function* () {
      yield { messageRequest };
    })();
    const answers = client.of(ServerReflection).serverReflectionInfo(questions);
    const [answer] = await Array.fromAsync(answers);
    return answer?.messageResponse;
  }

  /** The type, built from nothing but what reflection sends. */
  async function describeType(symbol: string) {
    const answer = await ask({ case: "fileContainingSymbol", value: symbol });
    if (answer?.case !== "fileDescriptorResponse") throw new Error(`no file for ${symbol}`);
    const protos = answer.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    const byName = new Map(protos.map((proto) => [proto.name, proto]));
    const file = new Set<FileDescriptorProto>();
    const visit = (name: string): void => {
      const proto = byName.get(name);
      if (proto === undefined) throw new Error(`${name} is missing`);
      proto.dependency.forEach(visit);
      file.add(proto);
    };
    visit(protos[0]?.name ?? "");
    return createFileRegistry(create(FileDescriptorSetSchema, { file: [...file] })).get(symbol);
  }

  test("lists the services, and itself", async () => {
    const answer = await ask({ case: "listServices", value: "" });
    const { service } = answer?.case === "listServicesResponse" ? answer.value : { service: [] };
    expect(service.map(({ name }) => name)).toEqual([
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "millrace.v1.TaskService",
    ]);
  });

  test("sends a service's file with all that it imports", async () => {
    const type = await describeType("millrace.v1.TaskService");
    expect(type?.kind === "service" && type.methods.map(({ name }) => name)).toContain("RunTask");
  });

  test("finds the file of a method, a field and an enum value", async () => {
    for (const symbol of [
      "millrace.v1.TaskService.RunTask",
      "millrace.v1.Task.state",
      "millrace.v1.TASK_STATE_QUEUED",
      "millrace.v1.LogLine.LEVEL_WARN",
      "google.rpc.ErrorInfo",
    ]) {
      const answer = await ask({ case: "fileContainingSymbol", value: symbol });
      expect(answer?.case, symbol).toBe("fileDescriptorResponse");
    }
  });

  test("finds files by name, also those that are only imported", async () => {
    const answer = await ask({ case: "fileByFilename", value: "buf/validate/validate.proto" });
    expect(answer?.case).toBe("fileDescriptorResponse");
  });

  test("finds extensions", async () => {
    const extendee = "google.protobuf.FieldOptions";
    const numbers = await ask({ case: "allExtensionNumbersOfType", value: extendee });
    const { extensionNumber = [] } =
      numbers?.case === "allExtensionNumbersResponse" ? numbers.value : {};
    expect(extensionNumber).toContain(VALIDATE_FIELD);
    const known = { containingType: extendee, extensionNumber: VALIDATE_FIELD };
    const file = await ask({ case: "fileContainingExtension", value: known });
    expect(file?.case).toBe("fileDescriptorResponse");
    const unknown = { containingType: "a.B", extensionNumber: 1 };
    const none = await ask({ case: "fileContainingExtension", value: unknown });
    expect(none?.case).toBe("errorResponse");
  });

  test("describes a task type from the moment it is announced", async () => {
    const symbol = "millrace.tasks.v1.SummarizePage";
    const early = await ask({ case: "fileContainingSymbol", value: symbol });
    expect(early).toMatchObject({
      case: "errorResponse",
      value: { errorCode: 5, errorMessage: `${symbol} is not known here` },
    });
    stage.registry.add(SummarizePageSchema);
    const type = await describeType(symbol);
    expect(type?.kind === "message" && type.fields.map(({ name }) => name)).toEqual([
      "url",
      "processing_type",
    ]);
  });

  test("answers in the older version too", async () => {
    const questions = (async function* () {
      yield { messageRequest: { case: "listServices", value: "" } } as const;
    })();
    const answers = client.of(ServerReflectionV1Alpha).serverReflectionInfo(questions);
    const [answer] = await Array.fromAsync(answers);
    expect(answer?.messageResponse.case).toBe("listServicesResponse");
  });
});
