import { type DescField, type DescMessage, type Registry, ScalarType } from "@bufbuild/protobuf";
import type { TaskType } from "#gen/millrace/v1/task_type_pb.ts";

/** A release of a task type, with the messages that it announces. */
export interface DescribedType {
  readonly type: TaskType;
  readonly files: Registry;
}

/**
 * What a task of the older release says that the newest one can't read, and the other way round: fields that are gone or
 * have another type, in the messages that input and output are made of. A sentence each; a field that is new is none.
 */
export function incompatibilities(older: DescribedType, newest: DescribedType): string[] {
  const { outputType } = older.type;
  const isSameOutput = outputType === newest.type.outputType;
  const names = isSameOutput ? [older.type.name, outputType] : [older.type.name];
  const comparison = new Comparison(older.files, newest.files);
  for (const name of names) comparison.compare(name);
  const output = `the output was ${outputType}, and is ${newest.type.outputType}`;
  return isSameOutput ? comparison.faults : [output, ...comparison.faults];
}

class Comparison {
  readonly faults: string[] = [];
  readonly #older: Registry;
  readonly #newest: Registry;
  readonly #compared = new Set<string>();

  constructor(older: Registry, newest: Registry) {
    this.#older = older;
    this.#newest = newest;
  }

  compare(typeName: string): void {
    if (this.#compared.has(typeName)) return;
    this.#compared.add(typeName);
    const before = this.#older.getMessage(typeName);
    const after = this.#newest.getMessage(typeName);
    if (!before || !after) return;
    for (const field of before.fields) this.#compareField(field, after);
  }

  #compareField(field: DescField, after: DescMessage): void {
    const same = after.fields.find(({ number }) => number === field.number);
    const name = `${after.typeName}.${field.name} (field ${field.number})`;
    if (!same) this.faults.push(`${name} is gone`);
    else if (kindOf(same) !== kindOf(field)) {
      this.faults.push(`${name} was ${kindOf(field)}, and is ${kindOf(same)}`);
    } else if (field.message) this.compare(field.message.typeName);
  }
}

/** As a .proto file has it. */
function kindOf(field: DescField): string {
  const kind = kindOfOne(field);
  if (field.fieldKind === "list") return `repeated ${kind}`;
  return field.fieldKind === "map" ? `map<${scalarName(field.mapKey)}, ${kind}>` : kind;
}

function kindOfOne({ message, enum: values, scalar }: DescField): string {
  return message?.typeName ?? values?.typeName ?? scalarName(scalar);
}

function scalarName(scalar: ScalarType | undefined): string {
  return String(ScalarType[Number(scalar)]).toLowerCase();
}
