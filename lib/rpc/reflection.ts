import type { DescFile } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ServerReflection } from "#gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "#gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { liveRegistry } from "./live-registry.ts";
import { encodeClosure, ReflectedFiles } from "./reflected-files.ts";
import { methodsOf, type Services } from "./services.ts";

// Spelled out, for the messages of the two versions are the same but for their names.
type Asked =
  | {
      readonly case:
        | "fileByFilename"
        | "fileContainingSymbol"
        | "allExtensionNumbersOfType"
        | "listServices";
      readonly value: string;
    }
  | {
      readonly case: "fileContainingExtension";
      readonly value: { readonly containingType: string; readonly extensionNumber: number };
    }
  | { readonly case: undefined; readonly value?: undefined };

type Answer =
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | {
      case: "allExtensionNumbersResponse";
      value: { baseTypeName: string; extensionNumber: number[] };
    }
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "errorResponse"; value: { errorCode: number; errorMessage: string } };

/** The same services, and grpc.reflection over them: grpcurl and its like need no .proto files. */
export function withReflection(services: Services): Services {
  const served = [
    ...new Set(methodsOf(services).map(({ method }) => method.parent)),
    ServerReflection,
    ServerReflectionV1Alpha,
  ];
  const names = served.map(({ typeName }) => typeName).toSorted();
  const messages = liveRegistry(services.registry);
  const files = () => new ReflectedFiles([...messages, ...served].map(({ file }) => file));

  async function* answers<
    Question extends { readonly host: string; readonly messageRequest: Asked },
  >(questions: AsyncIterable<Question>) {
    for await (const question of questions) {
      const messageResponse = answer(question.messageRequest, names, files);
      yield { validHost: question.host, originalRequest: question, messageResponse };
    }
  }

  return {
    registry: services.registry,
    routes(router) {
      services.routes(router);
      router.service(ServerReflection, { serverReflectionInfo: answers });
      router.service(ServerReflectionV1Alpha, { serverReflectionInfo: answers });
    },
  };
}

function answer(
  question: Asked,
  serviceNames: readonly string[],
  files: () => ReflectedFiles,
): Answer {
  switch (question.case) {
    case "fileByFilename":
      return fileAnswer(files().byName(question.value), question.value);
    case "fileContainingSymbol":
      return fileAnswer(files().bySymbol(question.value), question.value);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const file = files().byExtension(containingType, extensionNumber);
      return fileAnswer(file, `extension ${extensionNumber} of ${containingType}`);
    }
    case "allExtensionNumbersOfType":
      return extensionsAnswer(files().extensionNumbers(question.value), question.value);
    case "listServices": {
      const service = serviceNames.map((name) => ({ name }));
      return { case: "listServicesResponse", value: { service } };
    }
    case undefined:
      throw new ConnectError("the reflection request asks nothing", Code.InvalidArgument);
    default:
      return question satisfies never;
  }
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return notFound(asked);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: encodeClosure(file) } };
}

function extensionsAnswer(extensionNumber: number[] | undefined, baseTypeName: string): Answer {
  if (extensionNumber === undefined) return notFound(baseTypeName);
  return { case: "allExtensionNumbersResponse", value: { baseTypeName, extensionNumber } };
}

function notFound(asked: string): Answer {
  const errorMessage = `${asked} is not known here`;
  return { case: "errorResponse", value: { errorCode: Code.NotFound, errorMessage } };
}
