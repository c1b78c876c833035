import { CaliberError } from "../errors.js";
import type { RefusalCode } from "../refusal.js";
import type { RotateReport } from "../report/schema.js";
import { attestationKeyOf } from "../tpm/attestationKeyOf.js";
import { rotationQualification } from "../tpm/rotationQualification.js";
import { verifyKeyResidency } from "../tpm/verifyKeyResidency.js";
import type { Successor } from "./openSuccessor.js";

/**
 * Checks a rotate report's claim that the next key lives in the TPM in which the device was enrolled: the attestation key
 * whose residency was shown then (`ak`, TPMT_PUBLIC) vouches for the next key as it did for the first. A claim that fails is
 * refused, and never taken for a key in a file.
 *
 * @param ak null when the device was enrolled with keys in files.
 * @throws CaliberError SUCCESSOR_INVALID
 */
export function checkSuccessorResidency(
  { device, body }: Pick<RotateReport, "device" | "body">,
  { device: successor, spki }: Pick<Successor, "device" | "spki">,
  ak: Buffer | null,
): void {
  const { tpm } = body;
  if (tpm === undefined) return;
  const refuse = (why: string, cause?: unknown): CaliberError<RefusalCode> =>
    new CaliberError("SUCCESSOR_INVALID", why, { cause });
  if (ak === null) throw refuse("the device was not enrolled with a TPM that could vouch for its next key");
  try {
    verifyKeyResidency(
      {
        public: Buffer.from(tpm.public, "base64"),
        attest: Buffer.from(tpm.attest, "base64"),
        signature: Buffer.from(tpm.signature, "base64"),
      },
      { ak: attestationKeyOf(ak), spki, qualification: rotationQualification(device, successor) },
    );
  } catch (cause) {
    throw refuse("the TPM does not vouch for the next key", cause);
  }
}
