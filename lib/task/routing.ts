import { Priority, type TaskSpec } from "#gen/millrace/v1/task_pb.ts";
import { bearsLabels } from "./labels.ts";
import { DEFAULT_QUEUE } from "./limits.ts";

/** Where tasks wait that meet all of its conditions. A condition that is not set is met. */
export interface RoutingRule {
  /** Full name or alias of the task type. */
  readonly taskType?: string;
  /** Labels that the task must bear, among others. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly minInputBytes?: number;
  readonly maxInputBytes?: number;
  /** Not set: the default queue. */
  readonly queue?: string;
  /** Not set: NORMAL. */
  readonly priority?: Priority;
}

/** Names that the task's type goes by. */
export type TypeNames = readonly string[];

/**
 * The spec with queue and priority filled in where its caller left them open: by the first rule whose conditions are all
 * met, and where that leaves one open too, or there is none, by the defaults.
 */
export function routed(spec: TaskSpec, names: TypeNames, rules: readonly RoutingRule[]): TaskSpec {
  const rule = rules.find((each) => isMet(each, spec, names));
  return {
    ...spec,
    queue: spec.queue || (rule?.queue ?? DEFAULT_QUEUE),
    priority: spec.priority || (rule?.priority ?? Priority.NORMAL),
  };
}

function isMet(rule: RoutingRule, { input, labels }: TaskSpec, names: TypeNames): boolean {
  const { taskType, minInputBytes = 0, maxInputBytes = Number.POSITIVE_INFINITY } = rule;
  const bytes = input?.value.length ?? 0;
  return (
    (taskType === undefined || names.includes(taskType)) &&
    bearsLabels(labels, rule.labels ?? {}) &&
    minInputBytes <= bytes &&
    bytes <= maxInputBytes
  );
}
