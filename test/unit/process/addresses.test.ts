import { expect, test } from "vitest";
import { apiUrl, hostAndPort, origin } from "#lib/process/addresses.ts";

test.each([
  "loopback",
  "*",
  "https://app.example",
  "http://localhost:5173",
  "http://[::1]:8080",
  "tauri://localhost",
])("%s is an origin", (given) => {
  expect(origin(given)).toBe(given);
});

test.each([
  [
    "https://app.example/",
    '"https://app.example/" is no origin (did you mean "https://app.example"?)',
  ],
  ["https://APP.example", 'did you mean "https://app.example"?'],
  ["https://app.example:443", 'did you mean "https://app.example"?'],
  ["http://[::1]:80", 'did you mean "http://[::1]"?'],
  ["app.example", "scheme://host"],
  ["https://*.example", "is no origin"],
  ["null", "is no origin"],
])("%s is no origin that a browser sends", (given, why) => {
  expect(() => origin(given)).toThrow(why);
});

test("a pair has a host and a port", () => {
  for (const good of ["intranet:80", "127.0.0.1:65535", "[::1]:8080"]) {
    expect(hostAndPort(good)).toBe(good);
  }
  for (const wrong of [
    "intranet",
    "intranet:0",
    "intranet:65536",
    "::1:80",
    "http://a:80",
    "a b:1",
    "a;b:80",
  ]) {
    expect(() => hostAndPort(wrong)).toThrow(`"${wrong}" must be host:port`);
  }
});

test("the address of an API is one of the web, without a password, which is not quoted", () => {
  expect(apiUrl(" https://api.example/v1 ")).toBe("https://api.example/v1");
  expect(apiUrl("http://127.0.0.1:8080/under/")).toBe("http://127.0.0.1:8080/under");
  for (const [wrong, why] of [
    ["api.example/v1", "http:// or https://"],
    ["ftp://api.example", "http:// or https://"],
    ["https://me:s3cret@api.example", "must not have a user or password"],
    ["https://api.example?key=s3cret", "must not have a ? or #"],
  ] as const) {
    expect(() => apiUrl(wrong)).toThrow(why);
    expect(() => apiUrl(wrong)).not.toThrow("s3cret");
  }
});
