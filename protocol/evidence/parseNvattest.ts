import { evidenceError } from "./evidenceError.js";
import type { Evidence } from "./verifyEvidence.js";

/** More than any one machine has GPUs and switches. */
const maxEvidences = 64;

/**
 * The evidence in the JSON that `nvattest collect-evidence` writes, or in a bare list of it. Whatever else stands
 * there (architecture, nonce, versions) is signed by nobody and left out: the signed report says it too.
 *
 * @throws CaliberError EVIDENCE_NVATTEST_MALFORMED, EVIDENCE_ENCODING_INVALID
 */
export function parseNvattest(text: string): Evidence[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw evidenceError("EVIDENCE_NVATTEST_MALFORMED", "not JSON", cause);
  }
  const list = Array.isArray(value) ? value : (value as { evidences?: unknown } | null)?.evidences;
  if (!Array.isArray(list) || list.length === 0 || list.length > maxEvidences) {
    throw evidenceError("EVIDENCE_NVATTEST_MALFORMED", `not a list of 1 to ${maxEvidences} evidences`);
  }
  return list.map((item: { evidence?: unknown; certificate?: unknown } | null) => ({
    report: base64(item?.evidence),
    chain: base64(item?.certificate).toString("latin1"),
  }));
}

function base64(text: unknown): Buffer {
  if (typeof text !== "string") {
    throw evidenceError("EVIDENCE_NVATTEST_MALFORMED", "evidence and certificate are base64 texts");
  }
  const bytes = Buffer.from(text, "base64");
  // Node skips what is not base64 and reads on: only what encodes back is what was written.
  if (bytes.length === 0 || bytes.toString("base64") !== text) {
    throw evidenceError("EVIDENCE_ENCODING_INVALID", "evidence and certificate are not base64");
  }
  return bytes;
}
