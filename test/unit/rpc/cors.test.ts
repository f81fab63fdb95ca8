import { expect, test } from "vitest";
import { originFilter } from "#lib/rpc/cors.ts";

test.each([
  "http://localhost",
  "http://localhost:5173",
  "https://127.0.0.1:8443",
  "http://[::1]:80",
  "http://app.localhost:3000",
  "http://127.0.0.2",
])("loopback lets %s in", (origin) => {
  expect(originFilter(["loopback"])(origin)).toBe(true);
});

test.each([
  "http://localhost.evil.example",
  "http://evil.example:80",
  "http://127.0.0.1.evil.example",
  "ftp://localhost",
  "null",
])("loopback keeps %s out", (origin) => {
  expect(originFilter(["loopback"])(origin)).toBe(false);
});

test("a named origin is let in exactly as named", () => {
  const mayCall = originFilter(["https://app.example"]);
  expect(mayCall("https://app.example")).toBe(true);
  expect(mayCall("https://app.example:8443")).toBe(false);
  expect(mayCall("http://localhost")).toBe(false);
});

test("* lets everyone in", () => {
  expect(originFilter(["*"])("https://anyone.example")).toBe(true);
});
