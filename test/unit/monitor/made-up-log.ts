import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Progress,
  type StateChangeSchema,
  type TaskEvent,
  TaskEventSchema,
  type TaskSpecSchema,
  TaskState,
} from "#gen/millrace/v1/task_pb.ts";
import { Figures } from "../../../services/monitor/fold/figures.ts";
import { countsOf } from "../../../services/monitor/sums.ts";

type Facet = NonNullable<MessageInitShape<typeof TaskEventSchema>["facet"]>;
type Spec = Omit<MessageInitShape<typeof TaskSpecSchema>, "$typeName" | "$unknown">;
type Change = Omit<MessageInitShape<typeof StateChangeSchema>, "$typeName" | "$unknown">;

const START_MS = Date.UTC(2026, 0, 1);
export const RETENTION_MS = 7 * 24 * 3_600_000;
const TYPE = "test.v1.Work";
const WORKER = { attempt: 1, workerId: "worker-1" };

/** A history that a test makes up, second by second. */
export class MadeUpLog {
  readonly events: TaskEvent[] = [];

  add(seconds: number, taskId: string, facet: Facet, reports: Progress[] = []): this {
    const event = create(TaskEventSchema, {
      taskId,
      sequence: BigInt(this.events.length + 1),
      time: timestampFromMs(START_MS + seconds * 1_000),
      facet,
      reports,
    });
    this.events.push(event);
    return this;
  }

  accepted(seconds: number, taskId: string, spec: Spec = {}): this {
    const value = { input: { typeUrl: `type.googleapis.com/${TYPE}` }, queue: "default", ...spec };
    return this.add(seconds, taskId, { case: "spec", value });
  }

  state(seconds: number, taskId: string, state: TaskState, change: Change = {}): this {
    const value = { state, ...WORKER, ...change };
    return this.add(seconds, taskId, { case: "state", value });
  }

  started(seconds: number, taskId: string, change: Change = {}): this {
    return this.state(seconds, taskId, TaskState.RUNNING, change);
  }

  succeeded(seconds: number, taskId: string, change: Change = {}, reports?: Progress[]): this {
    const value = { state: TaskState.SUCCEEDED, ...WORKER, ...change };
    return this.add(seconds, taskId, { case: "state", value }, reports);
  }

  folded(): Figures {
    const figures = new Figures(RETENTION_MS);
    for (const event of this.events) figures.apply(event);
    return figures;
  }
}

/** What the only series has counted in all, less what it never saw. */
export function totalsIn({ series }: Figures): Record<string, number> {
  const [{ meters } = {}] = series;
  const totals = Object.entries(meters ?? {}).map(([name, { total }]) => [name, total] as const);
  return Object.fromEntries(totals.filter(([, total]) => total !== 0));
}

/** How many tasks are in each state, less those where none is. */
export function countsIn({ series }: Figures): Record<string, number> {
  const counts = Object.entries(countsOf(series)).filter(([, tasks]) => tasks !== 0n);
  return Object.fromEntries(counts.map(([state, tasks]) => [state, Number(tasks)]));
}

export function at(seconds: number): number {
  return START_MS + seconds * 1_000;
}
