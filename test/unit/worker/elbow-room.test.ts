import { expect, test } from "vitest";
import { ElbowRoom } from "../../../services/worker/elbow-room.ts";

const NEVER = new AbortController().signal;

test("whoever is to be alone waits for the others to leave, and lets nobody in meanwhile", async () => {
  const room = new ElbowRoom();
  const others = [room.enter(), room.enter()];
  const alone = room.enterAlone(NEVER);
  expect(room.enter()).toBeUndefined();
  expect(await room.enterAlone(NEVER)).toBeUndefined();

  for (const other of others) other?.[Symbol.dispose]();
  using place = await alone;
  expect(place).toBeDefined();
  expect(room.enter()).toBeUndefined();
});

test("when whoever was alone has left, others may enter again", async () => {
  const room = new ElbowRoom();
  const place = await room.enterAlone(NEVER);
  const shared = room.shared(NEVER);
  place?.[Symbol.dispose]();
  await shared;
  expect(room.enter()).toBeDefined();
});

test("whoever stops waiting to be alone keeps nobody out", async () => {
  const room = new ElbowRoom();
  using _other = room.enter();
  const stop = new AbortController();
  const alone = room.enterAlone(stop.signal);
  stop.abort();
  expect(await alone).toBeUndefined();
  expect(room.enter()).toBeDefined();
});

test("whoever waits for too long to be alone runs beside the others, and lets more in", async () => {
  const room = new ElbowRoom(20);
  using _other = room.enter();
  using place = await room.enterAlone(NEVER);
  expect(place).toBeDefined();
  expect(room.enter()).toBeDefined();
});

test("while it is closed nobody enters, and whoever is inside stays", async () => {
  const room = new ElbowRoom();
  using _inside = room.enter();
  const closed = room.close();
  expect(room.enter()).toBeUndefined();
  expect(await room.enterAlone(NEVER)).toBeUndefined();
  const shared = room.shared(NEVER);
  closed[Symbol.dispose]();
  await shared;
  expect(room.enter()).toBeDefined();
});
