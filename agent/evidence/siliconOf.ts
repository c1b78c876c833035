import { deviceOfChain } from "../../protocol/evidence/deviceOfChain.js";
import { evidenceError } from "../../protocol/evidence/evidenceError.js";
import { parsePemChain } from "../../protocol/evidence/parsePemChain.js";
import { readCertificate } from "../../protocol/evidence/readCertificate.js";
import { strongIdentityOf } from "../../protocol/evidence/strongIdentityOf.js";

/**
 * Which GPU a certificate chain (PEM, leaf first) is of. Nothing is verified: the registry does that.
 *
 * @throws CaliberError EVIDENCE_*
 */
export function siliconOf(chain: string): { pdi: string; strong_identity: string } {
  const [leaf, brom] = parsePemChain(chain).slice(0, 2).map(readCertificate);
  if (leaf === undefined || brom === undefined) {
    throw evidenceError("EVIDENCE_CHAIN_LENGTH", "the chain has no device certificate");
  }
  return { pdi: deviceOfChain(leaf, brom).pdi, strong_identity: strongIdentityOf(brom.spki) };
}
