import { once } from "node:events";
import type { ClientHttp2Session, IncomingHttpHeaders } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { GetTaskRequestSchema } from "#gen/millrace/v1/task_service_pb.ts";
import { enveloped } from "#test/support/raw-http.ts";

export const GET_TASK = "millrace.v1.TaskService/GetTask";
export const WATCH_TASK = "millrace.v1.TaskService/WatchTask";

const CALL = {
  ":method": "POST",
  ":path": `/${GET_TASK}`,
  "content-type": "application/grpc",
  te: "trailers",
};

/** Of GetTask, and of WatchTask, whose requests begin alike. */
export function requestOf(taskId: string): Buffer {
  return enveloped(toBinary(GetTaskRequestSchema, create(GetTaskRequestSchema, { taskId })));
}

export interface GrpcAnswer {
  readonly header: IncomingHttpHeaders;
  /** With the header, where the answer is nothing else. */
  readonly trailer: IncomingHttpHeaders;
}

/** Calls GetTask, or what the fields say, as no client of the protocol would. */
export async function rawGrpcCall(
  session: ClientHttp2Session,
  body: Buffer,
  fields: Record<string, string> = {},
): Promise<GrpcAnswer> {
  const stream = session.request({ ...CALL, ...fields });
  stream.on("error", () => {});
  let trailer: IncomingHttpHeaders = {};
  stream.on("trailers", (given) => {
    trailer = given;
  });
  stream.end(body);
  const closed = once(stream.resume(), "close");
  const [header] = await once(stream, "response");
  await closed;
  return { header, trailer: "grpc-status" in header ? header : trailer };
}
