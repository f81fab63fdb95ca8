// Started by the conformance runner: opens one of our doors with its service, and says where.
import { buffer } from "node:stream/consumers";
import { create, createRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { pino } from "pino";
import { openConnectDoor } from "#lib/rpc/connect-door.ts";
import { openGrpcDoor } from "#lib/rpc/grpc-door.ts";
import { Protocol } from "./gen/connectrpc/conformance/v1/config_pb.ts";
import {
  ServerCompatRequestSchema,
  ServerCompatResponseSchema,
} from "./gen/connectrpc/conformance/v1/server_compat_pb.ts";
import {
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import { conformanceService } from "./service.ts";
import { withoutErrorInfo } from "./without-error-info.ts";

const registry = createRegistry(file_connectrpc_conformance_v1_service);
const options = {
  host: "127.0.0.1",
  port: 0,
  leaveGraceMs: 1_000,
  interceptors: [withoutErrorInfo],
  log: pino({ level: process.env["LOG_LEVEL"] ?? "silent" }, process.stderr),
  services: {
    registry: () => registry,
    routes: (router) => void router.service(ConformanceService, conformanceService),
  },
} satisfies Parameters<typeof openGrpcDoor>[0];

// Messages come and go with their length before them: 4 bytes, the highest first.
const asked = await buffer(process.stdin);
const { protocol } = fromBinary(ServerCompatRequestSchema, asked.subarray(4));
const door = await (protocol === Protocol.GRPC
  ? openGrpcDoor(options)
  : openConnectDoor({ ...options, corsOrigins: [] }));

const answer = create(ServerCompatResponseSchema, { host: options.host, port: door.port });
const bytes = toBinary(ServerCompatResponseSchema, answer);
const length = Buffer.alloc(4);
length.writeUInt32BE(bytes.length);
process.stdout.write(Buffer.concat([length, bytes]));
