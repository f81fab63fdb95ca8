import { create } from "@bufbuild/protobuf";
import { type TaskSpec, TaskSpecSchema } from "#gen/millrace/v1/task_pb.ts";
import type { SubmitTaskRequest } from "#gen/millrace/v1/task_service_pb.ts";
import type { Broker } from "#lib/broker/broker.ts";
import type { ExpectedTask } from "#lib/broker/watch/expected-task.ts";
import type { Watching } from "#lib/broker/watch/watching.ts";
import { InvalidField } from "#lib/task/errors.ts";
import { keptFor } from "#lib/task/retention.ts";
import { type RoutingRule, routed } from "#lib/task/routing.ts";
import { checkTimes, pastTimes } from "./check-times.ts";
import type { KnownTaskTypes } from "./known-task-types.ts";
import { type Submitted, submit } from "./submit.ts";
import { taskIdOf } from "./task-id.ts";

export interface AcceptOptions {
  readonly broker: Broker;
  readonly watching: Watching;
  readonly types: KnownTaskTypes;
  readonly queues: readonly string[];
  /** Where tasks wait whose callers leave that open. */
  readonly rules: readonly RoutingRule[];
  /** How long an event is kept. */
  readonly historyMs: number;
}

/**
 * Checks what the rules of the .proto files can't, decides where the task waits, and submits it. `at` is the path of the
 * spec in the caller's request, for the errors. Who wants to go on hearing of the task expects it, and brings that.
 */
export async function accept(
  request: SubmitTaskRequest,
  at: string,
  { broker, watching, types, queues, rules, historyMs }: AcceptOptions,
  expectedTask?: ExpectedTask,
): Promise<Submitted> {
  const asked = request.spec ?? create(TaskSpecSchema);
  if (asked.queue !== "") checkQueue(asked, at, queues);
  // Asked before the types, for while the broker is away none may be known yet.
  broker.link.use();
  types.checkInput(asked.input, `${at}.input`);
  // Filled in before it is stored, so that it says what holds.
  const type = types.typeOf(asked.input);
  const keepFor = keptFor(asked, type, historyMs);
  const routedSpec = routed(asked, types.namesOf(asked.input), rules);
  const spec = keepFor ? { ...routedSpec, keepFor } : routedSpec;
  checkQueue(spec, at, queues);
  const nowMs = broker.clock.nowMs();
  checkTimes(spec, at, { historyMs, nowMs, typeTimeout: type?.attemptTimeout });
  const taskId = taskIdOf(request);
  const past = pastTimes(spec, at, nowMs);
  if (past && !(await broker.log.read(taskId))) throw past;
  if (expectedTask) return submit(broker, taskId, { asked, spec }, expectedTask);
  using expected = watching.expect(taskId);
  return await submit(broker, taskId, { asked, spec }, expected);
}

function checkQueue({ queue }: TaskSpec, at: string, queues: readonly string[]): void {
  if (queues.includes(queue)) return;
  const known = `there is no queue "${queue}"; there are: ${queues.join(", ")}`;
  throw new InvalidField(`${at}.queue`, known);
}
