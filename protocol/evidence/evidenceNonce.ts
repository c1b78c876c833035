import { createHash } from "node:crypto";
import { CaliberError } from "../errors.js";
import type { Beacon } from "../report/schema.js";

const domain = "caliber/gpu-evidence/v1";

export type EvidenceNonceParts = {
  /** Origin line of the registry's log. */
  log_origin: string;
  device_id: string;
  /** Null until the agent has seen a block. */
  beacon: Beacon | null;
  /** The registry's 32 random bytes, hex; used once. */
  challenge: string;
  /** Statement of the device's latest report (`genesisPrev` before its first), hex. */
  chain_head: string;
};

/**
 * The nonce that a GPU is asked to sign, so that silicon, device key and moment are tied: SHA-256 of
 *
 *     "caliber/gpu-evidence/v1" ‖ 0x0a ‖ SHA-256(log origin) ‖ device_id ‖ beacon ‖ challenge ‖ chain head
 *
 * `beacon` is 0x01 ‖ block number (8 bytes, big-endian) ‖ block hash, or 41 zero bytes where there is none; all others
 * have 32 bytes. Every part has a fixed size: no two lists of parts give the same bytes. Hex.
 *
 * @throws CaliberError NONCE_PART_INVALID
 */
export function evidenceNonce(parts: EvidenceNonceParts): string {
  const { log_origin, device_id, beacon, challenge, chain_head } = parts;
  return createHash("sha256")
    .update(`${domain}\n`)
    .update(createHash("sha256").update(log_origin).digest())
    .update(word("device_id", device_id))
    .update(beaconBytes(beacon))
    .update(word("challenge", challenge))
    .update(word("chain_head", chain_head))
    .digest("hex");
}

function beaconBytes(beacon: Beacon | null): Buffer {
  const bytes = Buffer.alloc(41);
  if (beacon === null) return bytes;
  if (!Number.isSafeInteger(beacon.number) || beacon.number < 0 || !beacon.hash.startsWith("0x")) {
    throw invalid("beacon");
  }
  bytes[0] = 1;
  bytes.writeBigUInt64BE(BigInt(beacon.number), 1);
  word("beacon", beacon.hash.slice(2)).copy(bytes, 9);
  return bytes;
}

function word(name: string, hex: string): Buffer {
  if (!/^[0-9a-f]{64}$/.test(hex)) throw invalid(name);
  return Buffer.from(hex, "hex");
}

function invalid(name: string): Error {
  return new CaliberError("NONCE_PART_INVALID", `${name} is not of the form that a nonce is made of`);
}
