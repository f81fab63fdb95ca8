import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.ts";
import type { Status } from "#gen/google/rpc/status_pb.ts";
import type {
  SubmitTaskRequest,
  SubmitTaskResponse,
  SubmitTasksResult,
} from "#gen/millrace/v1/task_service_pb.ts";
import { ExitCode } from "../exit-code.ts";
import type { Tasks } from "../gateway/at-gateway.ts";
import { exitCodeFor, faultsText } from "../gateway/explained.ts";
import type { Line } from "./chunks.ts";

/** What became of a line. */
export type Answered = { readonly line: number } & (
  | { readonly accepted: SubmitTaskResponse }
  | { readonly refused: Refused }
);

export interface Refused {
  readonly code: Code;
  readonly text: string;
  readonly exitCode: ExitCode;
}

/** 1,000 tasks take a second or two; a broker that freezes amid them is found out in ten. */
const CALL = { timeoutMs: 60_000 };

/** Submits what the lines ask for, in one call, and says what became of each. */
export async function answered(tasks: Tasks, chunk: readonly Line[]): Promise<Answered[]> {
  const requests = chunk.flatMap(({ asked }) => (asked instanceof Error ? [] : [asked]));
  const results = (await resultsOf(tasks, requests)).values();
  return chunk.map(({ number, asked }) =>
    asked instanceof Error
      ? { line: number, refused: { ...asked, code: Code.InvalidArgument, text: asked.message } }
      : { line: number, ...outcomeOf(results.next().value) },
  );
}

async function resultsOf(
  tasks: Tasks,
  requests: SubmitTaskRequest[],
): Promise<SubmitTasksResult[]> {
  if (requests.length === 0) return [];
  return (await tasks.submitTasks({ tasks: requests }, CALL)).results;
}

function outcomeOf(result: SubmitTasksResult | undefined) {
  const { outcome } = result ?? { outcome: { case: undefined } };
  if (outcome.case === "accepted") return { accepted: outcome.value };
  if (outcome.case === "error") return { refused: refusedBy(outcome.value) };
  const text = "the gateway did not say what became of it";
  return { refused: { code: Code.Unknown, text, exitCode: ExitCode.UNAVAILABLE } };
}

function refusedBy({ code, message, details }: Status): Refused {
  const found = details.map((detail) => anyUnpack(detail, BadRequestSchema));
  const infos = details.map((detail) => anyUnpack(detail, ErrorInfoSchema));
  const reason = infos.find((info) => info !== undefined)?.reason ?? "";
  const text = faultsText(found.filter((each) => each !== undefined)) ?? message;
  return { code, text, exitCode: exitCodeFor(code, reason) };
}
