import { evidenceError } from "./evidenceError.js";

/** NVML's buffer for an attestation certificate chain. */
const maxChain_bytes = 0x1400;
/** A PEM text is longer than its DER by 4/3, line ends and labels. */
const maxText_chars = 2 * maxChain_bytes;

const block = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----/y;

/**
 * The certificates (DER) of a PEM text, in its order: leaf first in NVIDIA's chains. Nothing but blank space may stand
 * around them.
 *
 * @throws CaliberError EVIDENCE_ENCODING_INVALID, EVIDENCE_CHAIN_MALFORMED
 */
export function parsePemChain(text: string): Buffer[] {
  if (text.length > maxText_chars) {
    throw evidenceError("EVIDENCE_CHAIN_MALFORMED", `a chain has at most ${maxText_chars} characters`);
  }
  const found: Buffer[] = [];
  const source = text.trim();
  for (let at = 0; at < source.length; at = block.lastIndex + blankAt(source, block.lastIndex)) {
    block.lastIndex = at;
    const base64 = block.exec(source)?.[1]?.replace(/[\r\n]/g, "");
    const der = Buffer.from(base64 ?? "", "base64");
    // Node skips what is not base64 and reads on: only what encodes back is what was written.
    if (der.length === 0 || der.toString("base64") !== base64) {
      throw evidenceError("EVIDENCE_ENCODING_INVALID", "the chain is not a list of PEM certificates");
    }
    found.push(der);
  }
  return found;
}

function blankAt(text: string, at: number): number {
  return /\s*/y.exec(text.slice(at))?.[0].length ?? 0;
}
