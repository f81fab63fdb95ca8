import { lookup } from "node:dns/promises";
import { BlockList } from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** Whether others than this machine can reach what listens there. False for a host that does not exist. */
export async function isOpenToNetwork(host: string): Promise<boolean> {
  try {
    const { address, family } = await lookup(host);
    return !LOOPBACK.check(address, family === 6 ? "ipv6" : "ipv4");
  } catch {
    return false;
  }
}

/** What whoever starts a service there must know. */
export function openToNetwork(host: string, hostSetting: string): string {
  return `open to the network: whoever can reach ${host} may call, for there is no authentication yet; ${hostSetting}=127.0.0.1 keeps it to this machine`;
}
