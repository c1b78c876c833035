/**
 * Payload of a host's presence topic: unsigned, a hint and never evidence. `online` asks for the signed heads of the
 * host's chains, answered with the same nonce.
 */
export type PresenceMessage = { state: "online"; nonce: string } | { state: "offline" };

/** What a presence payload says, or null. The bytes are attacker-controlled. */
export function parsePresence(bytes: Uint8Array): PresenceMessage | null {
  if (bytes.length > 512) return null;
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
  if (typeof json !== "object" || json === null) return null;
  const { state, nonce } = json as Record<string, unknown>;
  if (state === "offline") return { state };
  if (state === "online" && typeof nonce === "string" && /^[0-9a-f]{32}$/.test(nonce))
    return { state, nonce };
  return null;
}
