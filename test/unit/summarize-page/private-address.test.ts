import { expect, test } from "vitest";
import {
  areAllPublic,
  isPrivateAddress,
} from "../../../services/worker/handlers/summarize-page/private-address.ts";

test.each([
  ["loopback", "127.0.0.1"],
  ["the end of loopback", "127.255.255.255"],
  ["unspecified", "0.0.0.0"],
  ["private", "10.1.2.3"],
  ["private", "172.16.0.1"],
  ["private", "172.31.255.255"],
  ["private", "192.168.1.1"],
  ["carrier-grade NAT", "100.64.0.1"],
  ["link-local, where clouds keep their metadata", "169.254.169.254"],
  ["a cloud's host agent", "168.63.129.16"],
  ["benchmarking", "198.18.0.1"],
  ["documentation", "203.0.113.7"],
  ["multicast", "224.0.0.1"],
  ["broadcast", "255.255.255.255"],
  ["IPv6 loopback", "::1"],
  ["IPv6 unspecified", "::"],
  ["IPv4-mapped", "::ffff:127.0.0.1"],
  ["IPv4-mapped in hexadecimal", "::ffff:7f00:1"],
  ["IPv4-compatible", "::127.0.0.1"],
  ["NAT64", "64:ff9b::10.0.0.1"],
  ["local NAT64", "64:ff9b:1::1"],
  ["unique-local", "fd00:ec2::254"],
  ["IPv6 link-local", "fe80::1"],
  ["IPv6 link-local with its zone", "fe80::1%eth0"],
  ["IPv6 site-local", "fec0::1"],
  ["IPv6 multicast", "ff02::1"],
  ["6to4 around a private address", "2002:7f00:1::1"],
  ["Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
  ["IPv6 documentation", "2001:db8::1"],
  ["no address at all", "example.com"],
  ["nothing", ""],
])("%s is private: %s", (_what, address) => {
  expect(isPrivateAddress(address)).toBe(true);
});

test.each([
  "8.8.8.8",
  "1.1.1.1",
  "172.15.255.255",
  "172.32.0.1",
  "100.63.255.255",
  "100.128.0.1",
  "192.167.255.255",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2001:4860:4860::8888",
  "2a00:1450:4001:80f::200e",
])("%s is public", (address) => {
  expect(isPrivateAddress(address)).toBe(false);
});

test("a name is public when every one of its addresses is", () => {
  const at = (...addresses: string[]) => addresses.map((address) => ({ address }));
  expect(areAllPublic(at("8.8.8.8", "2606:4700:4700::1111"))).toBe(true);
  expect(areAllPublic(at("8.8.8.8", "127.0.0.1"))).toBe(false);
  expect(areAllPublic(at("8.8.8.8", "::1"))).toBe(false);
  expect(areAllPublic([])).toBe(false);
});
