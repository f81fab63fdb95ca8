import { create } from "@bufbuild/protobuf";
import { SummarizePageSchema } from "#gen/millrace/tasks/v1/summarize_page_pb.ts";
import { quoted } from "#lib/process/escaped.ts";
import { CliError } from "../cli-error.ts";
import { ExitCode } from "../exit-code.ts";

/** Refuses a page that the gateway would refuse, before anything is started for it. */
export async function checkPage(url: string): Promise<void> {
  // Only here, for it takes longer to load than most commands to run.
  const { requestValidation } = await import("#lib/rpc/validation.ts");
  const page = create(SummarizePageSchema, { url });
  const [fault] = requestValidation.faults(SummarizePageSchema, page);
  if (!fault) return;
  const isWeb = /^https?:\/\//.test(url);
  const why = isWeb ? fault.description : "must begin with http:// or https://";
  throw new CliError(`--url: ${quoted(url)} is no page: ${why}`, { exitCode: ExitCode.USAGE });
}
