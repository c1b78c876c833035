import { createPublicKey, type KeyObject } from "node:crypto";

const ed25519SpkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** Origin and public key of a C2SP verifier key, `name+hash+base64(0x01 ‖ key)`: what a lender pins. */
export function checkpointKey(vkey: string): { origin: string; key: KeyObject } {
  const [, origin, encoded] = /^(.+)\+[0-9a-f]{8}\+(.+)$/.exec(vkey) ?? [];
  if (origin === undefined || encoded === undefined) throw new Error("not a verifier key");
  const raw = Buffer.from(encoded, "base64").subarray(1);
  const der = Buffer.concat([ed25519SpkiPrefix, raw]);
  return { origin, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
}
