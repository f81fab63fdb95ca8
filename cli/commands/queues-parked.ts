import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  DeleteParkedMessagesResponseSchema,
  type ListParkedMessagesResponse,
  ListParkedMessagesResponseSchema,
  type ParkedMessage,
} from "#gen/millrace/v1/queue_service_pb.ts";
import { atGateway, CALL, type Queues } from "../gateway/at-gateway.ts";
import { shownBytes } from "../terminal/bytes.ts";
import { outputColumns, print, printJson } from "../terminal/output.ts";
import { type Column, tableLines } from "../terminal/table.ts";
import { globalsOf } from "./globals.ts";
import { parkedSequenceValue, sequencesValue } from "./option-values.ts";

interface ParkedOptions {
  readonly after?: bigint;
  readonly delete?: readonly bigint[];
}

export function addParked(queues: Command): void {
  queues
    .command("parked")
    .description("list what was found in queues and is no task, or delete it for good")
    .option("--after <sequence>", "only those after this one", parkedSequenceValue)
    .option("--delete <sequence...>", "delete these", sequencesValue)
    .action(async (options: ParkedOptions, command: Command) => {
      const { server, json } = globalsOf(command);
      await atGateway(server, (_, client) =>
        options.delete
          ? remove(client, options.delete, json)
          : list(client, options.after ?? 0n, json),
      );
    });
}

async function remove(client: Queues, sequences: readonly bigint[], json: boolean): Promise<void> {
  const response = await client.deleteParkedMessages({ sequences: [...sequences] }, CALL);
  if (json) printJson(toJson(DeleteParkedMessagesResponseSchema, response));
  else print(`${response.deleted} deleted`);
}

async function list(client: Queues, afterSequence: bigint, json: boolean): Promise<void> {
  const response = await client.listParkedMessages({ afterSequence }, CALL);
  if (json) printJson(toJson(ListParkedMessagesResponseSchema, response));
  else print(...parkedLines(response));
}

const COLUMNS: readonly Column<ParkedMessage>[] = [
  { title: "sequence", align: "right", cell: ({ sequence }) => String(sequence) },
  {
    title: "put aside",
    align: "left",
    cell: ({ time }) => (time ? timestampDate(time).toISOString() : ""),
    need: 2,
  },
  { title: "found at", align: "left", cell: ({ subject }) => subject, need: 3 },
  { title: "size", align: "right", cell: ({ data }) => shownBytes(data.length), need: 1 },
  { title: "why", align: "left", cell: ({ reason }) => reason, wraps: true },
];

function parkedLines({ messages, total }: ListParkedMessagesResponse): string[] {
  const last = messages.at(-1);
  if (!last) return [total === 0n ? "nothing is parked" : `none of the ${total} comes after that`];
  const isAll = BigInt(messages.length) === total;
  const more = `${messages.length} of ${total}; --after ${last.sequence} shows those that follow`;
  return [...tableLines(COLUMNS, messages, outputColumns()), ...(isAll ? [] : [more])];
}
