import { isIPv4, isIPv6 } from "node:net";
import { CaliberError } from "../../protocol/errors.js";

/**
 * An IP address as the 4 or 16 bytes that a certificate holds.
 *
 * @throws CaliberError NAME_INVALID
 */
export function ipBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  if (!isIPv6(address) || address.includes("%")) {
    throw new CaliberError("NAME_INVALID", `${address} is not an IP address`, { disposition: "user" });
  }
  // The URL parser brings every spelling (embedded IPv4, upper case, zeros) to groups of hex.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [left, right] = [groups(head), groups(tail ?? "")];
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
