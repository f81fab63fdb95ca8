import { createRegistry, type DescFile, type Registry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

type AnyDesc = NonNullable<ReturnType<Registry["get"]>>;

/** The .proto files that are known now, imported ones included, as reflection asks for them. */
export class ReflectedFiles {
  readonly #files: ReadonlySet<DescFile>;
  readonly #registry: Registry;

  constructor(roots: Iterable<DescFile>) {
    this.#files = closureOf(roots);
    this.#registry = createRegistry(...this.#files);
  }

  byName(fileName: string): DescFile | undefined {
    return [...this.#files].find(({ proto }) => proto.name === fileName);
  }

  /** The file of a type, or of the type that has the method, field, oneof or enum value. */
  bySymbol(symbol: string): DescFile | undefined {
    const type = this.#registry.get(symbol);
    return (type ?? [...this.#registry].find((each) => memberSymbols(each).includes(symbol)))?.file;
  }

  byExtension(extendee: string, number: number): DescFile | undefined {
    const message = this.#registry.getMessage(extendee);
    return message && this.#registry.getExtensionFor(message, number)?.file;
  }

  /** Numbers of the extensions of a message; nothing if there is no such message. */
  extensionNumbers(extendee: string): number[] | undefined {
    if (this.#registry.getMessage(extendee) === undefined) return undefined;
    return [...this.#registry]
      .filter((type) => type.kind === "extension")
      .filter((extension) => extension.extendee.typeName === extendee)
      .map((extension) => extension.number);
  }
}

/** The file and all that it imports, as bytes. Itself first, as some clients expect. */
export function encodeClosure(file: DescFile): Uint8Array[] {
  return [...closureOf([file])].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
}

function closureOf(roots: Iterable<DescFile>): Set<DescFile> {
  const files = new Set<DescFile>();
  const visit = (file: DescFile): void => {
    if (files.has(file)) return;
    files.add(file);
    file.dependencies.forEach(visit);
  };
  for (const root of roots) visit(root);
  return files;
}

function memberSymbols(type: AnyDesc): string[] {
  const within = (scope: string) => (member: { readonly name: string }) =>
    `${scope}.${member.name}`;
  switch (type.kind) {
    case "service":
      return type.methods.map(within(type.typeName));
    case "message":
      return [...type.fields, ...type.oneofs].map(within(type.typeName));
    case "enum":
      // Protobuf names an enum's values as its siblings.
      return type.values.map(within(type.parent?.typeName ?? type.file.proto.package));
    case "extension":
      return [];
    default:
      return type satisfies never;
  }
}
