import { once } from "node:events";
import { connect, createServer } from "node:http2";
import { expect, onTestFinished, test } from "vitest";
import { CallQueue } from "#lib/rpc/call-queue.ts";

/** A server whose calls have hardly time to send their requests, and a client of it. */
async function opened(answer: (path: unknown) => boolean) {
  const server = createServer();
  let queue: CallQueue | undefined;
  server.on("session", (session) => {
    queue = new CallQueue({ session, requestMs: 0, end: () => session.destroy() });
  });
  server.on("stream", (stream, headers) =>
    queue?.add(
      stream,
      () => answer(headers[":path"]) && stream.resume().respond({ ":status": 200 }),
    ),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const client = connect(`http://127.0.0.1:${address.port}`);
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return client;
}

test("a call whose request has not come to its end in time is given up; others may take their time to answer", async () => {
  const client = await opened((path) => path === "/answered");
  const request = (path: string, endStream: boolean) =>
    client.request({ ":method": "POST", ":path": path }, { endStream });
  const whole = request("/whole", true);
  const answered = request("/answered", false);
  const halfOpen = request("/half-open", false);
  const [headers] = await once(halfOpen, "response");
  expect(headers["grpc-status"]).toBe("4");
  await once(halfOpen.resume(), "close");
  expect([whole.closed, answered.closed]).toEqual([false, false]);
});
