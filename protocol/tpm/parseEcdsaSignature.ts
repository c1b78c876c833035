import { normalizeLowS } from "../crypto/normalizeLowS.js";
import { CaliberError } from "../errors.js";
import { createTpmReader } from "./createTpmReader.js";
import { tpmAlgorithm } from "./tpmConstants.js";

/**
 * The ES256 signature (64-byte r‖s, low-S) in a TPMT_SIGNATURE (Part 2, 11.3.4) by ECDSA with SHA-256. A TPM gives the
 * high S as often as the low one.
 *
 * @throws CaliberError TPM_MALFORMED, TPM_KEY_UNSUPPORTED
 */
export function parseEcdsaSignature(bytes: Buffer): Buffer {
  const reader = createTpmReader(bytes, "TPMT_SIGNATURE");
  if (reader.u16("sigAlg") !== tpmAlgorithm.ecdsa || reader.u16("hash") !== tpmAlgorithm.sha256) {
    throw new CaliberError("TPM_KEY_UNSUPPORTED", "the signature is not by ECDSA with SHA-256");
  }
  const signature = Buffer.alloc(64);
  const r = reader.sized("r", 32);
  const s = reader.sized("s", 32);
  reader.end();
  // Some TPMs leave leading zeros out.
  r.copy(signature, 32 - r.length);
  s.copy(signature, 64 - s.length);
  return normalizeLowS(signature);
}
