import { decodeEntry } from "../../protocol/log/entry.js";
import type { KeyBody } from "../../protocol/log/entryBodies.js";
import type { EvidenceLog } from "../log/evidenceLog.js";

/**
 * The attestation key (TPMT_PUBLIC) of the TPM in which a device was enrolled, or null for keys in files.
 *
 * @param enrolment place of the entry that enrolled the device.
 */
export function enrolledAttestor(log: Pick<EvidenceLog, "read">, enrolment: number): Buffer | null {
  const bytes = log.read(enrolment);
  if (bytes === null) return null;
  const entry = decodeEntry(bytes);
  if (entry.kind !== "key") return null;
  const body = entry.body as KeyBody;
  if (body.type !== "enrol" || body.tpm === undefined) return null;
  return Buffer.from(body.tpm.ak, "base64");
}
