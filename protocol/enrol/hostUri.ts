import { isHostId } from "../topics.js";

const hostPrefix = "urn:caliber:host:";
const keeperPrefix = "urn:caliber:keeper:";

/** The single URI SAN of a client certificate, and so the identity of who holds its key. */
export const hostUri = (host: string): string => hostPrefix + host;
export const keeperUri = (keeper: string): string => keeperPrefix + keeper;

export type Identity = { role: "host" | "keeper"; id: string };

/** Who a URI SAN names, or null when it names nobody. */
export function parseIdentityUri(uri: string): Identity | null {
  for (const [role, prefix] of [["host", hostPrefix] as const, ["keeper", keeperPrefix] as const]) {
    const id = uri.slice(prefix.length);
    if (uri.startsWith(prefix) && isHostId(id)) return { role, id };
  }
  return null;
}
