import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { MAX_MESSAGE_BYTES } from "./door.ts";

interface GrpcClientOptions {
  /** `host:port` of a gRPC door, or its URL. */
  readonly address: string;
}

/** A connection to a gRPC door, opened by the first call and opened again when it breaks. */
export interface GrpcClient extends Disposable {
  /** The service's methods, typed. */
  of<Service extends DescService>(service: Service): Client<Service>;
  /** Hangs up. Calls that run end with CANCELED. */
  close(): void;
}

const PINGS = { pingIntervalMs: 20_000, pingTimeoutMs: 10_000 };

export function openGrpcClient({ address }: GrpcClientOptions): GrpcClient {
  const baseUrl = address.includes("://") ? address : `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl, PINGS);
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    readMaxBytes: MAX_MESSAGE_BYTES,
  });
  const close = () => sessionManager.abort();
  return {
    of: (service) => createClient(service, transport),
    close,
    [Symbol.dispose]: close,
  };
}
