import { DEFAULT_SERVER } from "../gateway/at-gateway.ts";
import { addressOf, type Doors } from "./doors.ts";

const EXAMPLE = {
  input: {
    "@type": "type.googleapis.com/millrace.tasks.v1.SummarizePage",
    url: "https://example.com",
  },
};

/** Commands that work when they are pasted into a shell: one for each way in. */
export function tryThis(doors: Doors): readonly string[] {
  const grpc = addressOf(doors.gatewayGrpc);
  const connect = addressOf(doors.gatewayHttp);
  const server = grpc === DEFAULT_SERVER ? "" : ` --server ${grpc}`;
  const run = JSON.stringify({ submit: { spec: EXAMPLE } });
  const submit = JSON.stringify({ spec: EXAMPLE });
  return [
    `npx --no-install millrace submit web.summarize url=${EXAMPLE.input.url} --watch${server}`,
    `grpcurl -plaintext -d '${run}' ${grpc} millrace.v1.TaskService/RunTask`,
    `curl http://${connect}/millrace.v1.TaskService/SubmitTask -H 'content-type: application/json' -d '${submit}'`,
  ];
}
